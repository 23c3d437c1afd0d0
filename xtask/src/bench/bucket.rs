//! A bucket on this machine with one object in memory, which counts the bytes that it sends.
//!
//! It answers at once, so that the figures are those of the readers and not of an emulator.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::error::{Error, ErrorKind, Result};

/// A bucket called `bench` whose object `state` can be had.
#[derive(Debug)]
pub(crate) struct Bucket {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl Bucket {
    /// Serves a body until the process ends.
    pub(crate) fn serve(body: String) -> Result<Self> {
        let failed = |source| Error::new(ErrorKind::Service, "cannot listen on 127.0.0.1").because(source);
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let sent = Arc::new(AtomicU64::new(0));
        let (body, counter): (Arc<str>, _) = (body.into(), sent.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (body, counter) = (body.clone(), counter.clone());
                std::thread::spawn(move || answer_all(&stream, body.as_bytes(), &counter));
            }
        });
        Ok(Self { address, sent })
    }

    /// Returns the URL of the service.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the URL of the object.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/bench/state", self.address)
    }

    /// Returns how many bytes of bodies went out so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

/// Answers one request after another, until the other side leaves.
fn answer_all(mut stream: &TcpStream, object: &[u8], sent: &AtomicU64) {
    let _ = stream.set_nodelay(true);
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(first)) = lines.next() {
        let mut range = None;
        loop {
            let Some(Ok(line)) = lines.next() else { return };
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                    range = parse_range(value.trim())
                }
                Some(_) => {}
                None => break,
            }
        }
        let (head, body) = answer(&first, range, object);
        let body = if first.starts_with("HEAD ") { &[][..] } else { body };
        // Before the other side can know that it has all.
        sent.fetch_add(body.len() as u64, Ordering::SeqCst);
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_err() {
            return;
        }
    }
}

/// Reads `bytes=FIRST-LAST`.
fn parse_range(text: &str) -> Option<(usize, usize)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().unwrap_or(usize::MAX)))
}

/// Returns the head and the body of the answer to a request.
fn answer<'a>(request: &str, range: Option<(usize, usize)>, object: &'a [u8]) -> (String, &'a [u8]) {
    const LISTING: &[u8] = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let target = request.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let (status, fields, body) = match (path, range) {
        ("/bench/state", None) => ("200 OK", String::new(), object),
        ("/bench/state", Some((first, last))) if first < object.len() => {
            let end = object.len().min(last.saturating_add(1));
            let fields = format!("content-range: bytes {first}-{}/{}\r\n", end - 1, object.len());
            ("206 Partial Content", fields, &object[first..end])
        }
        ("/bench/state", Some(_)) => ("416 Range Not Satisfiable", String::new(), &[][..]),
        ("/bench" | "/bench/", _) => ("200 OK", "content-type: application/xml\r\n".to_owned(), LISTING),
        _ => ("404 Not Found", String::new(), &[][..]),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\netag: \"bench\"\r\naccept-ranges: bytes\r\n\
         last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n{fields}\r\n"
    );
    (head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sent_and_counted() {
        let bucket = Bucket::serve("0123456789".to_owned()).unwrap();
        let get = |range: &str| {
            let mut answer = ureq::get(bucket.url()).header("range", range).call().unwrap();
            (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
        };
        assert_eq!(get("bytes=2-4"), (206, "234".to_owned()));
        assert_eq!(get("bytes=8-99"), (206, "89".to_owned()));
        assert_eq!(bucket.sent(), 5);
        assert!(ureq::get(format!("{}/bench/other", bucket.endpoint())).call().is_err());
        assert_eq!(ureq::head(bucket.url()).call().unwrap().headers()["content-length"], "10");
        assert_eq!(bucket.sent(), 5);
    }
}
