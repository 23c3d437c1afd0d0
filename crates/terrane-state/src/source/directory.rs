//! The state of a Terraform directory, wherever its backend keeps it.

use terrane_value::Error;

use super::{Answer, Kind, Opened, Options, is_directory, open_backend};
use crate::backend::Found;
use crate::setting::ARGUMENT;
use crate::workspace;

pub(super) const KIND: Kind = Kind { takes: is_directory, open };

fn open<'a>(uri: &'a str, options: &'a Options) -> Answer<'a, Opened> {
    Box::pin(async move { open_backend(found(uri, options)?, options).await })
}

fn found(uri: &str, options: &Options) -> Result<Found, Error> {
    let Some(name) = &options.workspace else {
        return Found::in_directory(uri.as_ref(), &options.environment);
    };
    workspace::check(name)?;
    let environment = options.environment.clone().with("TF_WORKSPACE", name);
    let mut found = Found::in_directory(uri.as_ref(), &environment)?;
    found.origins.workspace = ARGUMENT.to_owned();
    Ok(found)
}
