//! HTTPS with whoever answers, for the argument `insecure`: the certificate of the server is not looked at.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector as Tcp};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// Sends requests over HTTPS to any server, through a proxy where there is one.
#[derive(Clone)]
pub(crate) struct Unverified {
    tcp: Tcp,
    direct: Client<HttpsConnector<Tcp>, SdkBody>,
    proxies: Arc<Matcher>,
    tunnel: Arc<OnceLock<Client<HttpsConnector<Tunnel<Tcp>>, SdkBody>>>,
    read_timeout: Option<Duration>,
}

impl Unverified {
    pub(crate) fn new(settings: &HttpConnectorSettings, proxies: Arc<Matcher>) -> Unverified {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(settings.connect_timeout());
        Unverified {
            direct: client_over(tcp.clone()),
            tcp,
            proxies,
            tunnel: Arc::default(),
            read_timeout: settings.read_timeout(),
        }
    }

    /// Returns the client that goes through a proxy.
    fn through(&self, proxy: &Intercept) -> &Client<HttpsConnector<Tunnel<Tcp>>, SdkBody> {
        self.tunnel.get_or_init(|| {
            let tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
            client_over(match proxy.basic_auth() {
                Some(password) => tunnel.with_auth(password.clone()),
                None => tunnel,
            })
        })
    }
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").finish_non_exhaustive()
    }
}

/// Makes a client that speaks TLS over a connector.
fn client_over<C>(connector: C) -> Client<HttpsConnector<C>, SdkBody>
where
    HttpsConnector<C>: Connect + Clone,
{
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let https = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1();
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https.wrap_connector(connector))
}

impl HttpConnector for Unverified {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let answer = match this.proxies.intercept(request.uri()) {
                Some(proxy) => this.through(&proxy).request(request),
                None => this.direct.request(request),
            };
            let answer = match this.read_timeout {
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .map_err(|error| ConnectorError::timeout(error.into()))?,
                None => answer.await,
            };
            let answer = answer.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Takes every certificate, if only its owner has signed.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
