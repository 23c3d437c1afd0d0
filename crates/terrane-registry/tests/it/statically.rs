//! A web server of files with one header on `*/download`: what a bucket behind a CDN does, and does wrong.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use terrane_registry::{DirectoryStore, Store as _, content_type};

pub(crate) struct Host {
    root: PathBuf,
    types: Vec<(&'static str, &'static str)>,
    headers: Vec<(&'static str, &'static str)>,
    header: bool,
    missing: &'static str,
    tls: Option<Arc<ServerConfig>>,
}

impl Host {
    pub(crate) fn new(root: &Path) -> Host {
        Host {
            root: root.to_owned(),
            types: Vec::new(),
            headers: Vec::new(),
            header: true,
            missing: "404 Not Found",
            tls: None,
        }
    }

    pub(crate) fn with_type(mut self, file: &'static str, content_type: &'static str) -> Host {
        self.types.push((file, content_type));
        self
    }

    /// Adds a header, `Name: value`, to files of this name.
    pub(crate) fn with_header(mut self, file: &'static str, header: &'static str) -> Host {
        self.headers.push((file, header));
        self
    }

    pub(crate) fn without_header(mut self) -> Host {
        self.header = false;
        self
    }

    pub(crate) fn with_missing(mut self, status: &'static str) -> Host {
        self.missing = status;
        self
    }

    pub(crate) fn with_tls(mut self, config: ServerConfig) -> Host {
        self.tls = Some(Arc::new(config));
        self
    }

    /// Serves on a free port until the process ends.
    pub(crate) fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                match &self.tls {
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                        let mut stream = StreamOwned::new(connection, stream);
                        self.answer(&mut stream);
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                    None => self.answer(stream),
                }
            }
        });
        port
    }

    fn answer(&self, mut stream: impl Read + Write) {
        let mut lines = BufReader::new(&mut stream).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let key = target.split('?').next().unwrap_or_default().trim_start_matches('/');
        let (status, body) = match DirectoryStore::new(&self.root).get(key) {
            Ok(Some(object)) => ("200 OK", object.bytes),
            _ => (self.missing, Vec::new()),
        };
        let own = |(file, value): &(&'static str, &'static str)| key.ends_with(file).then_some(*value);
        let mut head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
            self.types.iter().find_map(own).unwrap_or(content_type(key)),
            body.len()
        );
        if self.header && key.ends_with("/download") {
            head.push_str("X-Terraform-Get: ./get\r\n");
        }
        for header in self.headers.iter().filter_map(own) {
            head.push_str(&format!("{header}\r\n"));
        }
        let _ = stream.write_all(format!("{head}\r\n").as_bytes());
        if method == "GET" {
            let _ = stream.write_all(&body);
        }
    }
}
