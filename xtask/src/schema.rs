//! `cargo xtask schema`: the excerpts of the AWS provider's schema that the compiler checks modules against, and that
//! the reading of plans and states is held to.

use std::path::PathBuf;

use terrane_compiler::{module::schema, proof::deployed::closed_world};

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

/// Where the names stand that the reading of plans and states is held to.
const NAMES: &str = "crates/terrane-compiler/schema/vpc-names.txt";

/// Writes the excerpts and returns the directory that holds them.
///
/// # Errors
///
/// [`ErrorKind::Program`] as Terraform fails, if the provider has not what the compiler uses, or if it has what the
/// reading of plans and states does not classify; the excerpts are written nevertheless.
pub(crate) fn write(workspace: &Workspace, terraform: &Terraform) -> Result<PathBuf> {
    let schemas = provider_schemas(terraform)?;
    let path = workspace.root().join("crates/terrane-compiler/schema/aws.json");
    let excerpt = schema::excerpt(&schemas).map_err(|source| {
        Error::new(ErrorKind::Program, "no excerpt from the provider's schema").because(source)
    })?;
    files::write(&path, &excerpt)?;
    let names = names(&schemas)?;
    files::write(&workspace.root().join(NAMES), &names)?;
    let found = closed_world::unclassified(&names);
    if !found.is_empty() {
        let problem =
            format!("closed_world.toml does not classify what the provider has: {}", found.join(", "));
        return Err(Error::new(ErrorKind::Program, problem));
    }
    Ok(path)
}

fn names(schemas: &str) -> Result<String> {
    closed_world::schema_names(schemas).map_err(|problem| Error::new(ErrorKind::Program, problem))
}

fn provider_schemas(terraform: &Terraform) -> Result<String> {
    let dir = files::scratch()?;
    files::write(&dir.path().join("versions.tf"), VERSIONS)?;
    let root = terraform.root(dir.path());
    root.init()?;
    root.provider_schemas()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_that_are_committed_are_those_of_the_installed_provider() {
        let workspace = Workspace::find().unwrap();
        let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
        let names = names(&provider_schemas(&terraform).unwrap()).unwrap();
        let committed = std::fs::read_to_string(workspace.root().join(NAMES)).unwrap();
        assert!(names == committed, "the provider's names changed: run `cargo xtask schema`");
        assert_eq!(closed_world::unclassified(&names), Vec::<String>::new());
    }
}
