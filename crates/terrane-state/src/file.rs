//! A state in a file.

use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::s3::digest;
use crate::s3::source::Text;
use terrane_value::Origin;
use terrane_value::pieces::Checker;
use terrane_value::{Error, ErrorKind, Missing};

/// How much of a file that is checked as a whole is read at a time; few of them fit in a cache of a processor.
const PIECE: usize = 256 * 1024;

/// Reads a file.
pub(crate) async fn read(path: &Path) -> Result<Text, Error> {
    let bytes = tokio::fs::read(path).await.map_err(|error| unreadable(path, &error))?;
    let digest = Sha256::digest(&bytes);
    Ok(text(path, bytes, &digest))
}

/// Checks a file piece by piece, and returns a text with the same outputs.
pub(crate) async fn check(path: &Path) -> Result<Text, Error> {
    check_by(PIECE, path).await
}

async fn check_by(length: usize, path: &Path) -> Result<Text, Error> {
    let at = |error: Error| error.at(path.display().to_string());
    // One piece is read while another is checked.
    let (sender, mut pieces) = mpsc::channel(2);
    let file = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || read_pieces(&file, length, &sender));
    let mut checker = Checker::new();
    let mut is_empty = true;
    while let Some(piece) = pieces.recv().await {
        is_empty = false;
        checker.push(&piece, false).map_err(at)?;
    }
    let digest = reading.await.map_err(std::io::Error::from).flatten();
    let digest = digest.map_err(|error| unreadable(path, &error))?;
    let bytes = if is_empty {
        Vec::new()
    } else {
        checker.push(&[], true).map_err(at)?;
        checker.finish().map_err(at)?
    };
    Ok(text(path, bytes, &digest))
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

/// Returns the text of a file; it has no ETag of its own, and its digest serves as well.
fn text(path: &Path, bytes: Vec<u8>, digest: &[u8]) -> Text {
    let mut origin = Origin::at(path.display().to_string());
    origin.etag = Some(digest::hex(digest));
    Text { bytes, origin, digest: None }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound { reason: Missing::Absent },
        _ => ErrorKind::Io { reason: error.to_string() },
    };
    Error::new(kind).at(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrane_value::WholeState;

    /// A bit of all that a state may hold.
    const STATE: &str = r#"{"version":4,"Serial" : 12 ,"outputs":{"a":{"value":["x\"\\\u00e9\ud83d\ude00 é😀",-1.5e+3,true,null],"type":["tuple",["string","number","bool","string"]]},"b":{"value":"y","type":"string","sensitive":true}}
        ,"resources":[{"mode":"managed","type":"t","name":"n","instances":[{"index_key":10,"attributes":{"id":[1,{}]}},{"index_key":11}]}, {"mode":"data","type":"t","name":"m"}],"check_results":null}
"#;

    /// Checks a file by pieces of each length, so that their borders fall everywhere.
    async fn checked(text: &[u8]) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let whole = WholeState::parse(text).map_err(|error| error.at(file.path().display().to_string()));
        let expected = whole.map(|whole| whole.to_json()).map_err(|error| error.to_string());
        for length in 1..=text.len() + 1 {
            let found = check_by(length, file.path()).await.and_then(Text::state);
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
