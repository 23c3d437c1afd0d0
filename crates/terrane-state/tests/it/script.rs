//! A server that answers as a test scripts it: errors, resets, bodies cut short; also what other services say.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Reply {
    Full {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Promises more bytes than it sends.
    Cut {
        body: Vec<u8>,
        sent: usize,
    },
    /// Sends some bytes and then none.
    Stall {
        body: Vec<u8>,
        sent: usize,
    },
    /// Sends all bytes, a few at a time.
    Trickle {
        body: Vec<u8>,
        step: usize,
        pause: Duration,
    },
    /// Resets the connection before an answer.
    Reset,
    /// Answers nothing.
    Silence,
    /// Sends a body that never ends, in chunks.
    Endless {
        status: u16,
        headers: Vec<(&'static str, String)>,
    },
}

impl Reply {
    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Reply {
        let headers = vec![("etag", "\"e1\"".to_owned())];
        Reply::Full { status: 200, headers, body: body.as_ref().to_vec() }
    }

    pub(crate) fn error(status: u16, code: &str) -> Reply {
        let body = format!("<Error><Code>{code}</Code><Message>scripted</Message></Error>").into_bytes();
        Reply::Full { status, headers: vec![("content-type", "application/xml".to_owned())], body }
    }

    pub(crate) fn json(status: u16, body: &str) -> Reply {
        let headers = vec![("content-type", "application/x-amz-json-1.0".to_owned())];
        Reply::Full { status, headers, body: body.as_bytes().to_vec() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Reply {
        if let Reply::Full { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicUsize>,
}

impl Script {
    /// Starts a server that asks `answer` for each request, counted from 0.
    pub(crate) async fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Script {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let sent: Arc<AtomicUsize> = Arc::default();
        let script = Script { address, requests: requests.clone(), sent: sent.clone() };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, answer.clone(), requests.clone(), sent.clone()));
            }
        });
        script
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns how many bytes of endless bodies were taken.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve<F: Fn(usize, &Request) -> Reply>(
    mut stream: TcpStream,
    answer: Arc<F>,
    requests: Arc<Mutex<Vec<Request>>>,
    sent: Arc<AtomicUsize>,
) {
    while let Some(request) = read_request(&mut stream).await {
        let reply = {
            let mut requests = requests.lock().unwrap();
            let count = requests.len();
            requests.push(request.clone());
            answer(count, &request)
        };
        match reply {
            Reply::Full { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                if status == 304 {
                    head = head.replace("content-length: 0\r\n", "");
                }
                head.push_str("\r\n");
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            }
            Reply::Cut { body, sent } => {
                send_part(&mut stream, &body, sent).await;
                return;
            }
            Reply::Stall { body, sent } => {
                send_part(&mut stream, &body, sent).await;
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            Reply::Trickle { body, step, pause } => {
                send_part(&mut stream, &body, 0).await;
                for part in body.chunks(step) {
                    tokio::time::sleep(pause).await;
                    let _ = stream.write_all(part).await;
                }
            }
            Reply::Silence => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            Reply::Endless { status, headers } => {
                let mut head = format!("HTTP/1.1 {status} Scripted\r\ntransfer-encoding: chunked\r\n");
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                head.push_str("\r\n");
                let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
                let mut next = head.into_bytes();
                while stream.write_all(&next).await.is_ok() {
                    sent.fetch_add(next.len(), Ordering::Relaxed);
                    next = chunk.clone().into_bytes();
                }
                return;
            }
            Reply::Reset => {
                let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                return;
            }
        }
    }
}

async fn send_part(stream: &mut TcpStream, body: &[u8], sent: usize) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\netag: \"e1\"\r\n\r\n", body.len());
    let _ = stream.write_all(&[head.as_bytes(), &body[..sent]].concat()).await;
    let _ = stream.flush().await;
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend(&buffer[..count]),
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut request = Request { method, target, headers, body: String::new() };
    let length: usize = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => body.extend(&buffer[..count]),
        }
    }
    request.body = String::from_utf8_lossy(&body).into_owned();
    Some(request)
}
