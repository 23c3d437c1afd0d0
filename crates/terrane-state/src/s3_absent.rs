//! In place of S3 where the feature `s3` is off: what names it is told so.

use terrane_value::{Error, ErrorKind};

use crate::arguments::S3Arguments;
use crate::setting::Origins;
use crate::source::{Answer, Kind, Opened, Options};

pub(crate) const KIND: Kind = Kind { takes: |uri| uri.starts_with("s3://"), open: open_uri };

fn open_uri<'a>(_uri: &'a str, _options: &'a Options) -> Answer<'a, Opened> {
    Box::pin(std::future::ready(Err(absent())))
}

pub(crate) async fn open(
    _arguments: &S3Arguments,
    _workspace: &str,
    _origins: &Origins,
    _options: &Options,
) -> Result<Opened, Error> {
    Err(absent())
}

/// Says what is missing.
pub(crate) fn absent() -> Error {
    let problem = "this program was built without S3 and KMS (feature `s3` of terrane-state)".to_owned();
    ErrorKind::InvalidConfig { problems: vec![problem] }.into()
}

/// The client of KMS that there is not.
pub(crate) mod kms {
    use std::collections::BTreeMap;

    use terrane_value::Error;

    use crate::encryption::OwnKms;

    /// No client can be made.
    #[derive(Clone, Debug)]
    pub(crate) enum Kms {}

    pub(crate) async fn open(
        _key_id: &str,
        _blob: Vec<u8>,
        _context: BTreeMap<String, String>,
        _own: Option<&OwnKms>,
        _readers: Option<&Kms>,
    ) -> Result<Vec<u8>, Error> {
        Err(super::absent())
    }
}
