//! Flow logs of each kind, applied on an emulator: what it says exists is what is declared.

use terrane_xtask::{
    Workspace,
    e2e::{self, Call},
    emulator::Emulators,
    terraform::Terraform,
};

#[test]
fn flow_logs_exist_as_declared() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let case = crate::golden::cases().into_iter().find(|case| case.topology.name == "flow-logs").unwrap();
    let arguments = r#"  flow_log_destination_arns = {
    rejects = "arn:aws:logs:us-east-1:123456789012:log-group:brought"
    lake    = "arn:aws:s3:::states"
    stream  = "arn:aws:firehose:us-east-1:123456789012:deliverystream/stream"
  }
"#;
    let call = Call {
        label: "net".to_owned(),
        source: workspace.root().join("tests/ok/flow-logs"),
        arguments: arguments.to_owned(),
    };
    let applied = e2e::apply(&terraform, &Emulators::install(&workspace.cache()).unwrap(), &[call]).unwrap();
    let mut observed = applied.observe().unwrap();
    let topology = &case.topology;
    let check =
        |observed: &e2e::Observed| e2e::check(topology, &topology.name, &topology.zones, observed).problems;
    assert_eq!(check(&observed), Vec::<String>::new());

    // One that records less than declared, and one that is gone.
    observed.flow_logs[0].traffic = "NONE".to_owned();
    assert_eq!(check(&observed).len(), 1, "{:?}", check(&observed));
    observed.flow_logs.remove(0);
    assert_eq!(check(&observed).len(), 2, "{:?}", check(&observed));
    // The emulator forgets the options of files in S3, so that a second plan is not empty; see `destination_options`.
}
