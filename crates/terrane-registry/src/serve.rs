//! The registry server: the module registry protocol over any store, for Terraform and OpenTofu.
//!
//! [`answer`](Protocol::answer) is a function of request and store; this file brings it to the network.

mod body;
mod patient;
mod protocol;
mod tokens;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use self::body::{AnswerBody, Pieces};
use self::patient::Patient;
use self::protocol::{Answer, Content, Protocol, Question};
pub use self::tokens::Tokens;
use crate::{Error, Store};

/// How long open requests may take after the server was asked to stop.
const GRACE: Duration = Duration::from_secs(20);
/// How long a client may take to send its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest request line and headers together.
const MAX_HEADERS: usize = 16 << 10;

/// Receives one line per request, without query and headers, and so without secrets.
pub type AccessLog = Arc<dyn Fn(&str) + Send + Sync>;

/// How much clients may ask of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many connections there may be at once; others wait until one ends.
    pub connections: usize,
    /// How long a client may take none of what it is sent.
    pub write_timeout: Duration,
}

impl Default for Limits {
    /// 512 connections, and half a minute.
    fn default() -> Limits {
        Limits { connections: 512, write_timeout: Duration::from_secs(30) }
    }
}

/// A registry server over a store.
pub struct Server {
    protocol: Protocol,
    limits: Limits,
    log: AccessLog,
    tls: Option<TlsAcceptor>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl Server {
    /// Makes a server that everybody may read from.
    pub fn new(store: Arc<dyn Store>, log: AccessLog) -> Server {
        Server { protocol: Protocol::new(store, None), limits: Limits::default(), log, tls: None }
    }

    /// Asks for one of these tokens.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Tokens) -> Server {
        self.protocol = Protocol::new(self.protocol.store(), Some(tokens));
        self
    }

    /// Sets how much clients may ask.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Server {
        self.limits = limits;
        self
    }

    /// Speaks TLS, with a certificate chain and a private key in PEM.
    ///
    /// # Errors
    ///
    /// Returns an error when the two are not readable, or do not belong together.
    pub fn with_tls(mut self, chain: &[u8], key: &[u8]) -> Result<Server, Error> {
        let refused =
            |error: &dyn fmt::Display| Error::input(format!("the TLS certificate is refused: {error}"));
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| refused(&error))?;
        if chain.is_empty() {
            return Err(refused(&"it holds no certificate in PEM"));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            Error::input(format!("the TLS key is refused: no private key in PEM: {error}"))
        })?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| refused(&error))?;
        self.tls = Some(TlsAcceptor::from(Arc::new(config)));
        Ok(self)
    }

    /// Serves until `shutdown` resolves, and then until open requests are answered.
    ///
    /// # Errors
    ///
    /// Fails when the listener does.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let server = Arc::new(self);
        let graceful = GracefulShutdown::new();
        let mut shutdown = std::pin::pin!(shutdown);
        let room = Arc::new(Semaphore::new(server.limits.connections.max(1)));
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&room).acquire_owned() => permit,
                () = &mut shutdown => break,
            };
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    // Out of descriptors, or a client that left: the next one may fare better.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = &mut shutdown => break,
            };
            let (server, watcher) = (Arc::clone(&server), graceful.watcher());
            tokio::spawn(async move {
                // Held until the connection ends.
                let _permit = permit;
                match server.tls.clone() {
                    None => server.connection(stream, watcher).await,
                    Some(tls) => {
                        let handshake = tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream)).await;
                        if let Ok(Ok(stream)) = handshake {
                            server.connection(stream, watcher).await;
                        }
                    }
                }
            });
        }
        drop(listener);
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
        Ok(())
    }

    async fn connection<S>(self: &Arc<Self>, stream: S, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let server = Arc::clone(self);
        let service = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(server.respond(request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADERS)
            .serve_connection(TokioIo::new(Patient::new(stream, self.limits.write_timeout)), service);
        // A client that breaks off is its own affair.
        let _ = watcher.watch(connection).await;
    }

    async fn respond(self: &Arc<Self>, request: Request<Incoming>) -> Response<AnswerBody> {
        let start = Instant::now();
        let header = |name: HeaderName| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let question = Question {
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            authorization: header(AUTHORIZATION),
            if_none_match: header(IF_NONE_MATCH),
            range: header(RANGE),
            if_range: header(IF_RANGE),
            accept: header(ACCEPT),
            now: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        };
        let line = format!("{} {}", question.method, question.path);
        let server = Arc::clone(self);
        let answered = tokio::task::spawn_blocking(move || server.protocol.answer(&question)).await;
        let answer = answered.unwrap_or_else(|_| Answer::failure());
        (self.log)(&format!(
            "{line} {} {}B {}ms",
            answer.status,
            answer.length(),
            start.elapsed().as_millis()
        ));
        self.response(answer, request.method() == hyper::Method::HEAD)
    }

    fn response(&self, answer: Answer, head: bool) -> Response<AnswerBody> {
        let mut builder = Response::builder().status(answer.status);
        // An answer that says nothing changed has no body, and no length.
        if answer.status != 304 {
            builder = builder.header("Content-Length", answer.length());
        }
        for (name, value) in &answer.headers {
            builder = builder.header(*name, value);
        }
        let body = match answer.content {
            _ if head => AnswerBody::Whole(None),
            Content::Bytes(bytes) => AnswerBody::Whole(Some(Bytes::from(bytes))),
            Content::Object { key, start, end } => {
                let store = self.protocol.store();
                AnswerBody::Pieces(Pieces { store, key, start, end, reading: None })
            }
        };
        builder.body(body).unwrap_or_else(|_| {
            let mut failure = Response::new(AnswerBody::Whole(None));
            *failure.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            failure
        })
    }
}
