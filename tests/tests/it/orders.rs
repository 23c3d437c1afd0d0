//! While an edit is applied, and where it fails half way, no subnet that stays is without its own ACL or a way out.

use terrane_xtask::{Workspace, emulator::Emulators, terraform::Terraform};
use xtask::churn::orders;

#[test]
fn no_call_on_the_way_takes_anything_from_what_stays() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let emulators = Emulators::install(&workspace.cache()).unwrap();
    let orders = orders::run(&terraform, &emulators, terrane_xtask::is_long()).unwrap();
    let wrong: Vec<_> = orders.iter().filter(|order| !order.wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let refused = orders.iter().filter(|order| order.refused.is_some()).count();
    assert!(refused >= 5, "{orders:#?}");
}
