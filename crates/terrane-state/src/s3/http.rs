//! The one HTTPS client of a reader: certificates and proxy.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::settings::Settings;
use crate::error::{Error, ErrorKind};

pub(crate) fn client(settings: &Settings) -> Result<SharedHttpClient, Error> {
    let proxy = proxy(settings)?;
    let tls = tls_context(settings)?;
    Ok(Builder::new().build_with_connector_fn(move |connector_settings, components| {
        let mut builder = Connector::builder().proxy_config(proxy.clone());
        if let Some(connector_settings) = connector_settings {
            builder = builder.connector_settings(connector_settings.clone());
        }
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        let builder = builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
        match &tls {
            Some(context) => builder.tls_context(context.clone()).build(),
            None => builder.build(),
        }
    }))
}

fn invalid(problem: String) -> Error {
    ErrorKind::InvalidConfig { problems: vec![problem] }.into()
}

fn proxy(settings: &Settings) -> Result<ProxyConfig, Error> {
    let Some(url) = &settings.proxy else { return Ok(ProxyConfig::disabled()) };
    let whole = if url.contains("://") { url.clone() } else { format!("http://{url}") };
    // The URL may hold a password, so the message does not repeat it.
    let proxy = ProxyConfig::all(whole)
        .map_err(|_| invalid("the proxy is not a URL such as http://proxy.example:3128".to_owned()))?;
    Ok(match &settings.no_proxy {
        Some(hosts) => proxy.no_proxy(hosts),
        None => proxy,
    })
}

fn tls_context(settings: &Settings) -> Result<Option<TlsContext>, Error> {
    let Some(path) = &settings.ca_bundle else { return Ok(None) };
    let pem =
        std::fs::read(path).map_err(|error| invalid(format!("`custom_ca_bundle` {path:?}: {error}")))?;
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(invalid(format!("`custom_ca_bundle` {path:?} holds no certificate in PEM")));
    }
    let store = TrustStore::empty().with_native_roots(true).with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(store).build();
    context.map(Some).map_err(|error| invalid(format!("`custom_ca_bundle` {path:?}: {error}")))
}
