//! A state in a file.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use terrane_value::{Depth, Error, ErrorKind, Intake, Missing, Origin};
use tokio::sync::mpsc;

use super::{Answer, Kind, Opened, Options, Source};
use crate::arguments::S3Arguments;
use crate::hex::hex;
use crate::lock::{self, LockInfo, LockKind};
use crate::setting::{ARGUMENT, Origins, Setting};
use crate::workspace;

pub(super) const KIND: Kind = Kind { takes: |_| true, open: open_uri };

/// How much of a file is read at a time, in bytes; few such pieces fit in a cache of a processor.
const PIECE: usize = 256 * 1024;

/// A file, and where the states of other workspaces are.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    /// The directory with one directory for each workspace but `default`, where the file is that of a backend.
    workspaces: Option<PathBuf>,
    piece: usize,
}

fn open_uri<'a>(uri: &'a str, options: &'a Options) -> Answer<'a, Opened> {
    Box::pin(async move {
        if let Some(name) = &options.workspace {
            workspace::check(name)?;
            let reason = format!("{uri} is a state file, which has no workspaces");
            return Err(ErrorKind::InvalidWorkspace { name: name.clone(), reason }.into());
        }
        // Another kind of URI is better called by its name than looked for.
        if uri.contains("://") && !Path::new(uri).exists() {
            S3Arguments::from_uri(uri)?;
        }
        let origins = Origins { arguments: ARGUMENT.to_owned(), workspace: "default".to_owned() };
        open(uri.into(), None, &origins, options)
    })
}

/// Opens a file; `workspaces` says which directory holds those of other workspaces, and which one is selected.
pub(super) fn open(
    path: PathBuf,
    workspaces: Option<(PathBuf, &str)>,
    origins: &Origins,
    options: &Options,
) -> Result<Opened, Error> {
    let mut problems = options.foreign_to(&path.display().to_string());
    if options.version_id.is_some() {
        problems.push(format!("{} is a file, which has no versions to pin", path.display()));
    }
    if !problems.is_empty() {
        return Err(ErrorKind::InvalidConfig { problems }.into());
    }
    let mut settings = vec![
        Setting::new("backend", "local", &origins.arguments),
        Setting::new("path", &path.display().to_string(), &origins.arguments),
    ];
    if let Some((_, workspace)) = &workspaces {
        settings.push(Setting::new("workspace", workspace, &origins.workspace));
    }
    let file = File { workspaces: workspaces.map(|(directory, _)| directory), ..File::new(path) };
    Ok(Opened { settings, ..Opened::new(file) })
}

impl File {
    pub(crate) fn new(path: PathBuf) -> File {
        File { path, workspaces: None, piece: PIECE }
    }

    async fn push_into(&self, intake: &mut Intake) -> Result<Origin, Error> {
        // The digest that stands for an ETag is that of the whole file.
        if intake.depth() == Depth::Outputs {
            intake.take_all();
        }
        // One piece is read while another is looked at.
        let (sender, mut pieces) = mpsc::channel(2);
        let (path, length) = (self.path.clone(), self.piece);
        let reading = tokio::task::spawn_blocking(move || read_pieces(&path, length, &sender));
        let at = |error: Error| error.at(self.place());
        while let Some(piece) = pieces.recv().await {
            intake.push(piece, false).map_err(at)?;
        }
        let digest = reading.await.map_err(std::io::Error::from).flatten();
        let digest = digest.map_err(|error| self.unreadable(&error))?;
        intake.push(Vec::new(), true).map_err(at)?;
        let mut origin = Origin::at(self.place());
        origin.etag = Some(hex(&digest));
        Ok(origin)
    }

    fn unreadable(&self, error: &std::io::Error) -> Error {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound { reason: Missing::Absent },
            _ => ErrorKind::Io { reason: error.to_string() },
        };
        let error = Error::new(kind).at(self.place());
        match self.others().unwrap_or_default().as_slice() {
            [] => error,
            others => error.hinting(format!("there are the workspaces {}", others.join(", "))),
        }
    }

    /// Lists the workspaces beside `default` that have a state.
    fn others(&self) -> Result<Vec<String>, Error> {
        let Some(directory) = &self.workspaces else { return Ok(Vec::new()) };
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let kind = ErrorKind::Io { reason: error.to_string() };
                return Err(Error::new(kind).at(directory.display().to_string()));
            }
        };
        let has_state = |entry: &std::fs::DirEntry| entry.path().is_dir();
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(has_state)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name != workspace::DEFAULT)
            .collect();
        names.sort();
        Ok(names)
    }

    /// Returns the file in which Terraform records who holds the lock.
    fn lock_file(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.lock.info"))
    }
}

impl Source for File {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn read<'a>(&'a self, intake: &'a mut Intake, unless: Option<&'a str>) -> Answer<'a, Option<Origin>> {
        Box::pin(async move {
            let origin = self.push_into(intake).await?;
            Ok(Some(origin).filter(|origin| unless.is_none() || origin.etag.as_deref() != unless))
        })
    }

    fn workspaces(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            let default = workspace::DEFAULT.to_owned();
            Ok(std::iter::once(default).chain(self.others()?).collect())
        })
    }

    fn locks(&self) -> Answer<'_, Vec<LockInfo>> {
        Box::pin(async move {
            let path = self.lock_file();
            match tokio::fs::read(&path).await {
                Ok(text) => Ok(vec![lock::parse(&text, LockKind::File, &path.display().to_string())?]),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => {
                    let kind = ErrorKind::Io { reason: error.to_string() };
                    Err(Error::new(kind).at(path.display().to_string()))
                }
            }
        })
    }
}

/// Sends a file piece by piece until its end, or until nobody takes more, and returns its digest.
fn read_pieces(path: &Path, length: usize, pieces: &mpsc::Sender<Vec<u8>>) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    let mut digest = Sha256::new();
    loop {
        let mut piece = Vec::with_capacity(length);
        (&mut file).take(length as u64).read_to_end(&mut piece)?;
        digest.update(&piece);
        if piece.is_empty() || pieces.blocking_send(piece).is_err() {
            return Ok(digest.finalize().to_vec());
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use terrane_value::{State, WholeState};

    /// A bit of all that a state may hold.
    const STATE: &str = r#"{"version":4,"Serial" : 12 ,"outputs":{"a":{"value":["x\"\\\u00e9\ud83d\ude00 é😀",-1.5e+3,true,null],"type":["tuple",["string","number","bool","string"]]},"b":{"value":"y","type":"string","sensitive":true}}
        ,"resources":[{"mode":"managed","type":"t","name":"n","instances":[{"index_key":10,"attributes":{"id":[1,{}]}},{"index_key":11}]}, {"mode":"data","type":"t","name":"m"}],"check_results":null}
"#;

    async fn check_by(piece: usize, path: &Path) -> Result<State, Error> {
        let file = File { piece, ..File::new(path.into()) };
        let mut intake = Intake::new(Depth::Checked, u64::MAX);
        let origin = file.push_into(&mut intake).await?;
        intake.state(origin)
    }

    /// Checks a file by pieces of each length, so that their borders fall everywhere.
    async fn checked(text: &[u8]) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let whole = WholeState::parse(text).map_err(|error| error.at(file.path().display().to_string()));
        let expected = whole.map(|whole| whole.to_json()).map_err(|error| error.to_string());
        for length in 1..=text.len() + 1 {
            let found = check_by(length, file.path()).await;
            let found = found.map(|state| state.to_json()).map_err(|error| error.to_string());
            assert_eq!(found, expected, "pieces of {length} bytes");
        }
        expected
    }

    #[tokio::test]
    async fn borders_of_pieces_may_fall_anywhere() {
        let json = checked(STATE.as_bytes()).await.unwrap();
        assert!(json.contains("é😀 é😀"), "{json}");
        // Bytes that are no UTF-8 count one by one, even where a border parts them.
        let (before, after) = STATE.split_once("é😀").unwrap();
        let broken = b"\xe2\x82 \xf0\x9f\x98 \xff\xfe \xed\xa0\x80 \xc3";
        let json = checked(&[before.as_bytes(), broken, after.as_bytes()].concat()).await.unwrap();
        assert!(json.contains("\u{fffd}\u{fffd} \u{fffd}\u{fffd}\u{fffd} \u{fffd}\u{fffd} "), "{json}");
    }

    #[tokio::test]
    async fn what_is_wrong_is_seen_wherever_the_borders_fall() {
        for (from, to, expected) in [
            ("null}\n", "null", "the text ends too early"),
            ("11}]}, {", "11}}], {", "could not be parsed as JSON"),
            (r#""index_key":11"#, r#""index_key":10"#, "t.n[10]: it occurs twice"),
            (r#""name":"m""#, r#""name":"m","NAME":7"#, "`name` must be a string"),
        ] {
            let error = checked(STATE.replace(from, to).as_bytes()).await.unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
