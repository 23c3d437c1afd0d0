//! The one HTTP client of a reader: certificates and proxy.

use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use hyper_util::client::proxy::matcher::Matcher;

use super::settings::Account;
use super::unverified::Unverified;
use terrane_value::{Error, ErrorKind};

/// Speaks TLS only where a URL asks for it: to read the certificates of a system takes longer than to read a state.
#[derive(Clone, Debug)]
struct ByScheme {
    plain: SharedHttpClient,
    tls: Tls,
    /// Whether even `http` goes through TLS, to a proxy.
    always_tls: bool,
}

#[derive(Clone, Debug)]
enum Tls {
    Verified(SharedHttpClient),
    Unverified { proxies: Arc<Matcher>, client: Arc<OnceLock<Unverified>> },
}

/// What a [`ByScheme`] sends one request with.
#[derive(Debug)]
struct Sender {
    client: ByScheme,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

pub(crate) fn client(account: &Account) -> Result<SharedHttpClient, Error> {
    let proxy_url = account.proxy.as_ref().map(|url| proxy_url(url));
    let proxy = proxy(proxy_url.as_deref(), account.no_proxy.as_deref())?;
    let plain = client_of(proxy.clone(), ConnectorBuilder::build_http);
    let tls = match account.insecure {
        true => {
            let proxies = Matcher::builder().all(proxy_url.clone().unwrap_or_default());
            let proxies = proxies.no(account.no_proxy.clone().unwrap_or_default()).build();
            Tls::Unverified { proxies: Arc::new(proxies), client: Arc::default() }
        }
        false => Tls::Verified(verified(account, proxy)?),
    };
    let always_tls = account.proxy.as_ref().is_some_and(|proxy| proxy.starts_with("https://"));
    Ok(SharedHttpClient::new(ByScheme { plain, tls, always_tls }))
}

impl HttpClient for ByScheme {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let (settings, components) = (settings.clone(), components.clone());
        SharedHttpConnector::new(Sender { client: self.clone(), settings, components })
    }
}

impl HttpConnector for Sender {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (settings, components) = (&self.settings, &self.components);
        if !request.uri().starts_with("https:") && !self.client.always_tls {
            return self.client.plain.http_connector(settings, components).call(request);
        }
        match &self.client.tls {
            Tls::Verified(client) => client.http_connector(settings, components).call(request),
            Tls::Unverified { proxies, client } => {
                client.get_or_init(|| Unverified::new(settings, proxies.clone())).call(request)
            }
        }
    }
}

/// Makes a client whose connectors have a proxy and the timeouts that are set.
fn client_of(
    proxy: ProxyConfig,
    connector: impl Fn(ConnectorBuilder) -> Connector + Send + Sync + 'static,
) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(proxy.clone());
        if let Some(settings) = settings {
            builder = builder.connector_settings(settings.clone());
        }
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        connector(builder)
    })
}

fn verified(account: &Account, proxy: ProxyConfig) -> Result<SharedHttpClient, Error> {
    let context = tls_context(account)?;
    Ok(client_of(proxy, move |builder| {
        let builder = builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
        match &context {
            Some(context) => builder.tls_context(context.clone()).build(),
            None => builder.build(),
        }
    }))
}

fn invalid(problem: String) -> Error {
    ErrorKind::InvalidConfig { problems: vec![problem] }.into()
}

fn proxy_url(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}

fn proxy(url: Option<&str>, no_proxy: Option<&str>) -> Result<ProxyConfig, Error> {
    let Some(url) = url else { return Ok(ProxyConfig::disabled()) };
    // The URL may hold a password, so the message does not repeat it.
    let proxy = ProxyConfig::all(url)
        .map_err(|_| invalid("the proxy is not a URL such as http://proxy.example:3128".to_owned()))?;
    Ok(match no_proxy {
        Some(hosts) => proxy.no_proxy(hosts),
        None => proxy,
    })
}

fn tls_context(account: &Account) -> Result<Option<TlsContext>, Error> {
    let Some(path) = &account.ca_bundle else { return Ok(None) };
    let pem =
        std::fs::read(path).map_err(|error| invalid(format!("`custom_ca_bundle` {path:?}: {error}")))?;
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(invalid(format!("`custom_ca_bundle` {path:?} holds no certificate in PEM")));
    }
    let store = TrustStore::empty().with_native_roots(true).with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(store).build();
    context.map(Some).map_err(|error| invalid(format!("`custom_ca_bundle` {path:?}: {error}")))
}
