//! The oldest Terraform that a topology asks for, against the one that its module needs.

use crate::diagnostics::{Code, Diagnostics, Origin, report};
use crate::module::Module;
use crate::module::language::{self, Version};

/// Reports the features of the language that are newer than the Terraform version that was asked for, at `origin`.
///
/// Nothing is reported where no version was asked for.
pub(crate) fn check(asked: Option<(u64, u64)>, origin: &Origin, module: &Module) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let Some((major, minor)) = asked else { return diagnostics };
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let asked = Version::new(number(major), number(minor));
    let needed = language::required_version(module);
    if asked < needed {
        let features: Vec<String> = language::features_newer_than(module, asked)
            .iter()
            .map(|feature| {
                format!("{} (Terraform {}, used by {})", feature.name, feature.since, feature.used_by)
            })
            .collect();
        let message = format!("terraform {asked} is asked for, but the module needs {needed}");
        let hint = if features.is_empty() {
            format!("ask for {needed}, the oldest version that any module supports")
        } else {
            format!("ask for {needed}, or do without: {}", features.join("; "))
        };
        report!(diagnostics, Code::TERRAFORM_TOO_OLD, origin, "{message}"; "{hint}");
    }
    diagnostics
}
