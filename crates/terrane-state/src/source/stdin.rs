//! A state on standard input, as `terraform state pull` prints it.

use std::io::Read as _;

use sha2::{Digest as _, Sha256};
use terrane_value::{Error, ErrorKind, Intake, Origin};
use tokio::sync::OnceCell;

use super::{Answer, Kind, Opened, Options, Source};
use crate::hex::hex;
use crate::setting::{ARGUMENT, Setting};

/// What names standard input in place of a URI.
pub(super) const URI: &str = "-";

pub(super) const KIND: Kind = Kind { takes: |uri| uri == URI, open };

/// Standard input, which can be read once and is kept.
#[derive(Debug, Default)]
struct Stdin(OnceCell<Vec<u8>>);

fn open<'a>(_uri: &'a str, options: &'a Options) -> Answer<'a, Opened> {
    Box::pin(async move {
        let mut problems = options.foreign_to("standard input");
        for (name, is_given) in
            [("a workspace", options.workspace.is_some()), ("a version", options.version_id.is_some())]
        {
            if is_given {
                problems.push(format!("standard input has one state: {name} cannot be chosen"));
            }
        }
        if !problems.is_empty() {
            return Err(ErrorKind::InvalidConfig { problems }.into());
        }
        let settings = vec![Setting::new("path", URI, ARGUMENT)];
        Ok(Opened { settings, ..Opened::new(Stdin::default()) })
    })
}

impl Source for Stdin {
    fn place(&self) -> String {
        "standard input".to_owned()
    }

    fn read<'a>(&'a self, intake: &'a mut Intake, unless: Option<&'a str>) -> Answer<'a, Option<Origin>> {
        Box::pin(async move {
            let limit = intake.limit();
            let text =
                self.0.get_or_try_init(|| read_all(limit)).await.map_err(|error| error.at(self.place()))?;
            intake.push(text.clone(), true).map_err(|error| error.at(self.place()))?;
            let mut origin = Origin::at(self.place());
            origin.etag = Some(hex(&Sha256::digest(text)));
            Ok(Some(origin).filter(|origin| unless.is_none() || origin.etag.as_deref() != unless))
        })
    }
}

/// Reads up to one byte more than the limit, which then shows.
async fn read_all(limit: u64) -> Result<Vec<u8>, Error> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        std::io::stdin().lock().take(limit.saturating_add(1)).read_to_end(&mut text).map(|_| text)
    });
    let text = reading.await.map_err(std::io::Error::from).flatten();
    text.map_err(|error| ErrorKind::Io { reason: error.to_string() }.into())
}
