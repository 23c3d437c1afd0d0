//! `cargo xtask schema`: the excerpt of the AWS provider's schema that the compiler checks modules against.

use std::path::{Path, PathBuf};

use terrane_compiler::module::schema;

use crate::{
    error::{Error, ErrorKind, Result},
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
    std::fs::write(&path, text).map_err(|source| Error::file("write", &path, source))?;
    Ok(path)
}

fn excerpt(terraform: &Terraform) -> Result<String> {
    let dir = tempfile::tempdir()
        .map_err(|source| Error::file("make", Path::new("a temporary directory"), source))?;
    let file = dir.path().join("versions.tf");
    std::fs::write(&file, VERSIONS).map_err(|source| Error::file("write", &file, source))?;
    let root = terraform.root(dir.path());
    root.init()?;
    schema::excerpt(&root.provider_schemas()?).map_err(|source| {
        Error::new(ErrorKind::Program, "no excerpt from the provider's schema").because(source)
    })
}
