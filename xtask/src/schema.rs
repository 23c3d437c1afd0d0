//! `cargo xtask schema`: the excerpt of the AWS provider's schema that the compiler checks modules against.

use std::path::PathBuf;

use terrane_compiler::module::schema;

use crate::{
    error::{Error, ErrorKind, Result},
    files,
    terraform::Terraform,
    workspace::Workspace,
};

/// The AWS provider that the excerpt is taken from; modules admit others too.
const VERSIONS: &str = r#"terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
"#;

/// Writes the excerpt and returns its path.
///
/// # Errors
///
/// [`ErrorKind::Program`] as Terraform fails, or if the provider has not what the compiler uses.
pub(crate) fn write(workspace: &Workspace, terraform: &Terraform) -> Result<PathBuf> {
    let path = workspace.root().join("crates/terrane-compiler/schema/aws.json");
    let text = excerpt(terraform)?;
    files::write(&path, &text)?;
    Ok(path)
}

fn excerpt(terraform: &Terraform) -> Result<String> {
    let dir = files::scratch()?;
    files::write(&dir.path().join("versions.tf"), VERSIONS)?;
    let root = terraform.root(dir.path());
    root.init()?;
    schema::excerpt(&root.provider_schemas()?).map_err(|source| {
        Error::new(ErrorKind::Program, "no excerpt from the provider's schema").because(source)
    })
}
