//! A line to a server that resets and cuts connections, whichever server stands at its end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

/// What befalls a connection.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// It is reset before an answer.
    Reset,
    /// It ends after so many bytes of answers.
    Cut(u64),
}

/// Opens a line whose first connections have faults, or all of them in turn if `for_ever`.
pub(crate) async fn open(server: SocketAddr, faults: &'static [Fault], for_ever: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for idx in 0.. {
            let (client, _) = listener.accept().await.unwrap();
            let fault = if for_ever { faults.get(idx % faults.len()) } else { faults.get(idx) };
            tokio::spawn(carry(client, server, fault.copied()));
        }
    });
    address
}

async fn carry(client: TcpStream, server: SocketAddr, fault: Option<Fault>) -> std::io::Result<()> {
    let most = match fault {
        Some(Fault::Reset) => return socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)),
        Some(Fault::Cut(most)) => most,
        None => u64::MAX,
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let asking = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let told = tokio::io::copy(&mut from_server.take(most), &mut to_client).await;
    asking.abort();
    told.map(drop)
}
