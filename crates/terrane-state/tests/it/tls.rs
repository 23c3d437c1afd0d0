//! States behind HTTPS: which servers are taken for the one that was meant.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use terrane_state::{Error, ErrorKind, S3Arguments, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::setup::{STATE, builder};

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/authority.pem");

/// Starts a server for whose certificate nobody vouches but `authority.pem`; each answer is the state.
async fn server() -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../fixtures/tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../fixtures/tls/server.key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 8192];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let length = STATE.len();
                    let head = format!("HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: {length}\r\n\r\n");
                    if stream.write_all(format!("{head}{STATE}").as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn read(address: SocketAddr, change: impl Fn(&mut S3Arguments)) -> Result<State, Error> {
    let mut arguments = crate::setup::arguments(address);
    arguments.endpoint = Some(format!("https://{address}"));
    change(&mut arguments);
    builder(arguments).connect().await?.read().await
}

#[tokio::test]
async fn a_server_is_trusted_as_the_arguments_say() {
    let address = server().await;
    let error = read(address, |_| {}).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Connection);
    assert!(format!("{error:?}").contains("UnknownIssuer"), "{error:?}");
    let bundle = |arguments: &mut S3Arguments| arguments.custom_ca_bundle = Some(AUTHORITY.to_owned());
    assert_eq!(read(address, bundle).await.unwrap().output::<String>("a").unwrap(), "x");
    let insecure = |arguments: &mut S3Arguments| arguments.insecure = Some(true);
    assert_eq!(read(address, insecure).await.unwrap().output::<String>("a").unwrap(), "x");
}

/// Starts a proxy that leads to where a `CONNECT` says, and returns what it was asked.
async fn proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(client.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                let target = request.split(' ').nth(1).unwrap().to_owned();
                seen.lock().unwrap().push(request);
                let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn any_server_may_stand_behind_a_proxy() {
    let (address, (proxy, asked)) = (server().await, proxy().await);
    let through = |url: String| {
        move |arguments: &mut S3Arguments| {
            arguments.insecure = Some(true);
            arguments.https_proxy = Some(url.clone());
        }
    };
    for url in [format!("{proxy}"), format!("http://ann:secret@{proxy}")] {
        assert_eq!(read(address, through(url)).await.unwrap().output::<String>("a").unwrap(), "x");
    }
    let connect = format!("CONNECT {address} HTTP/1.1");
    let asked = || asked.lock().unwrap().clone();
    assert!(asked().len() == 2 && asked().iter().all(|asked| asked.starts_with(&connect)), "{:?}", asked());
    let password =
        |asked: &String| asked.to_ascii_lowercase().contains("proxy-authorization: basic yw5uonnly3jlda==");
    assert_eq!(asked().iter().map(password).collect::<Vec<_>>(), [false, true]);
    let past_proxy = |arguments: &mut S3Arguments| {
        through(format!("http://{proxy}"))(arguments);
        arguments.no_proxy = Some("127.0.0.1".to_owned());
    };
    read(address, past_proxy).await.unwrap();
    assert_eq!(asked().len(), 2);
    let error = read(address, through(format!("https://{proxy}"))).await.unwrap_err().to_string();
    assert!(error.contains("`insecure` does not go with a proxy that is itself reached by HTTPS"), "{error}");
}
