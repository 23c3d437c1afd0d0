//! Asks a running registry what clients ask it, and finds what would break them.
//!
//! Static hosting goes wrong in few ways: content types, content encodings, the one header, and `403` for `404`.

use std::time::Duration;

use serde_json::Value;

use crate::fsck::Fault;
use crate::layout::Index;
use crate::package::sha256_hex;
use crate::{Error, ModuleName};

/// One answer of the registry.
struct Reply {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

struct Visit<'a> {
    agent: ureq::Agent,
    token: Option<&'a str>,
    faults: Vec<Fault>,
}

/// Returns what would break clients of a module in the registry at `url`.
///
/// # Errors
///
/// Fails when the registry cannot be reached at all.
pub fn doctor(url: &str, module: &ModuleName, token: Option<&str>) -> Result<Vec<Fault>, Error> {
    let url = url.trim_end_matches('/');
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Error::input(format!("`{url}` is no http or https address")));
    }
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        // The store's own encoding is what matters, not one agreed with this client.
        .accept_encoding("")
        .build();
    let mut visit = Visit { agent: config.into(), token, faults: Vec::new() };
    let modules = visit.discovery(url)?;
    let base = format!("{modules}{module}");
    if let Some(index) = visit.versions(&base)? {
        for version in &index.listed {
            visit.version(&format!("{base}/{version}"))?;
        }
    }
    let unknown = format!("{modules}{}/terrane-doctor-asks-for-nothing/aws/versions", module.namespace());
    let status = visit.get(&unknown)?.status;
    if status != 404 {
        visit
            .fault(&unknown, format!("answers {status} for an unknown module; clients understand 404 alone"));
    }
    Ok(visit.faults)
}

impl Visit<'_> {
    fn get(&self, url: &str) -> Result<Reply, Error> {
        let mut request = self.agent.get(url);
        if let Some(token) = self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let failed =
            |error: ureq::Error| Error::unavailable(format!("cannot reach {url}"), error.to_string());
        let mut response = request.call().map_err(failed)?;
        let body = response.body_mut().read_to_vec().map_err(failed)?;
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    fn fault(&mut self, key: &str, message: impl Into<String>) {
        self.faults.push(Fault { key: key.to_owned(), message: message.into() });
    }

    /// Reads an answer that has to be 200 and not encoded.
    fn expect(&mut self, url: &str) -> Result<Option<Reply>, Error> {
        let reply = self.get(url)?;
        if reply.status != 200 {
            self.fault(url, format!("answers {}, not 200", reply.status));
            return Ok(None);
        }
        let encoding = reply.header("Content-Encoding").to_owned();
        if !encoding.is_empty() && encoding != "identity" {
            self.fault(url, format!("has the content encoding `{encoding}`, which clients undo; remove it"));
        }
        Ok(Some(reply))
    }

    fn discovery(&mut self, url: &str) -> Result<String, Error> {
        let fallback = format!("{url}/{}", crate::layout::MODULES);
        let address = format!("{url}/.well-known/terraform.json");
        let Some(reply) = self.expect(&address)? else { return Ok(fallback) };
        let content_type = reply.header("Content-Type").to_owned();
        if content_type.split(';').next().map(str::trim) != Some("application/json") {
            self.fault(
                &address,
                format!("has the content type `{content_type}`; clients insist on `application/json`"),
            );
        }
        let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let Some(service) = document["modules.v1"].as_str() else {
            self.fault(&address, "does not say where `modules.v1` is");
            return Ok(fallback);
        };
        let service = format!("{}/", service.trim_end_matches('/'));
        // It may be absolute, or relative to the document.
        Ok(match service.strip_prefix('/').or_else(|| service.strip_prefix("../")) {
            Some(path) => format!("{url}/{path}"),
            None if service.contains("://") => service,
            None => format!("{url}/.well-known/{}", service.trim_start_matches("./")),
        })
    }

    fn versions(&mut self, base: &str) -> Result<Option<Index>, Error> {
        let address = format!("{base}/versions");
        let Some(reply) = self.expect(&address)? else { return Ok(None) };
        let age = reply.header("Cache-Control").to_owned();
        if age.contains("immutable") {
            self.fault(&address, "is cached for ever, so that new versions stay unseen");
        }
        match Index::parse(&reply.body) {
            Ok(index) => Ok(Some(index)),
            Err(error) => {
                self.fault(&address, error.to_string());
                Ok(None)
            }
        }
    }

    fn version(&mut self, base: &str) -> Result<(), Error> {
        let address = format!("{base}/download");
        let Some(reply) = self.expect(&address)? else { return Ok(()) };
        let header = reply.header("X-Terraform-Get").to_owned();
        if header.is_empty() {
            self.fault(&address, "lacks the header `X-Terraform-Get: ./get`, without which Terraform fails");
        }
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let Some(location) = body["location"].as_str().map(str::to_owned) else {
            self.fault(&address, "has no JSON body with a `location`, without which OpenTofu fails");
            return Ok(());
        };
        if header == "./get" {
            self.get_page(base, &location)?;
        } else if !header.is_empty() && header != location {
            self.fault(&address, "leads Terraform and OpenTofu to different places");
        }
        self.archive(base, &location)
    }

    fn get_page(&mut self, base: &str, location: &str) -> Result<(), Error> {
        let address = format!("{base}/get");
        let Some(reply) = self.expect(&address)? else { return Ok(()) };
        if !reply.header("X-Terraform-Get").is_empty() {
            self.fault(&address, "has the header `X-Terraform-Get`, which belongs on `download` alone");
        }
        let expected = format!("{base}/{}", location.trim_start_matches("./"));
        if !String::from_utf8_lossy(&reply.body).contains(&format!("content=\"{expected}\"")) {
            self.fault(
                &address,
                format!("does not lead to {expected}; does `registry.toml` have the right host?"),
            );
        }
        Ok(())
    }

    fn archive(&mut self, base: &str, location: &str) -> Result<(), Error> {
        let address = match location.strip_prefix("./") {
            Some(path) => format!("{base}/{path}"),
            None => location.to_owned(),
        };
        let Some(digest) = location.split(['?', '&']).find_map(|part| part.strip_prefix("checksum=sha256:"))
        else {
            self.fault(&address, "has no checksum in its location");
            return Ok(());
        };
        let Some(reply) = self.expect(&address)? else { return Ok(()) };
        let found = sha256_hex(&reply.body);
        if found != digest {
            self.fault(&address, format!("is sha256:{found}, but its location promises sha256:{digest}"));
        }
        Ok(())
    }
}
