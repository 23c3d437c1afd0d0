//! The module registry protocol, as a function from requests to answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::Tokens;
use crate::layout::{
    BUNDLE, File, MODULES, Manifest, SETTINGS, bundle_key, discovery, file_key, location, page_key,
    versions_key,
};
use crate::page::PAGE;
use crate::{Error, ErrorKind, ModuleName, Registry, Store, parse_version};

/// What a client asks.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) authorization: Option<String>,
    /// Seconds since 1970.
    pub(super) now: u64,
}

/// What it gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// The kind of request, for the counters.
    route: &'static str,
}

impl Answer {
    fn ok(route: &'static str, content_type: &str, body: Vec<u8>) -> Answer {
        Answer { status: 200, headers: vec![("Content-Type", content_type.to_owned())], body, route }
    }

    fn error(route: &'static str, status: u16, message: &str) -> Answer {
        let body = json!({"errors": [message]}).to_string().into_bytes();
        let headers = vec![("Content-Type", "application/json".to_owned())];
        Answer { status, headers, body, route }
    }

    pub(super) fn failure() -> Answer {
        Answer::error("failure", 503, "the store does not answer")
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// A store with who may read it.
pub(super) struct Protocol {
    store: Arc<dyn Store>,
    tokens: Option<Tokens>,
    counters: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl Protocol {
    pub(super) fn new(store: Arc<dyn Store>, tokens: Option<Tokens>) -> Protocol {
        Protocol { store, tokens, counters: Mutex::default() }
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(super) fn answer(&self, question: &Question) -> Answer {
        let answer = self.route(question).unwrap_or_else(|_| Answer::failure());
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.entry((answer.route, answer.status)).or_default() += 1;
        answer
    }

    fn route(&self, question: &Question) -> Result<Answer, Error> {
        if !matches!(question.method.as_str(), "GET" | "HEAD") {
            return Ok(Answer::error("other", 405, "only GET and HEAD are served").with("Allow", "GET, HEAD"));
        }
        let not_found = || Answer::error("other", 404, "not found");
        match question.path.as_str() {
            "/.well-known/terraform.json" => {
                return Ok(Answer::ok("discovery", "application/json", discovery()));
            }
            "/healthz" => return self.health(),
            "/metrics" => return Ok(Answer::ok("metrics", "text/plain; version=0.0.4", self.metrics())),
            "/" | "/index.html" => return self.front_page(question),
            _ => {}
        }
        let modules = format!("/{MODULES}");
        let Some(path) = question.path.strip_prefix(&modules) else { return Ok(not_found()) };
        // Names and versions are parsed, and keys are made of what was parsed: no path of a client reaches a store.
        let parts: Vec<&str> = path.split('/').collect();
        let (Some([namespace, name, system]), Some(rest)) = (parts.get(..3), parts.get(3..)) else {
            return Ok(not_found());
        };
        let Ok(module) = ModuleName::new(namespace, name, system) else { return Ok(not_found()) };
        match rest {
            ["versions"] => self.versions(question, &module),
            [PAGE | ""] => self.page(question, module.namespace(), &page_key(&module)),
            [version, file] => match (parse_version(version), *file) {
                (Ok(version), "download") => self.download(question, &module, &version),
                (Ok(version), PAGE | "") => {
                    self.page(question, module.namespace(), &file_key(&module, &version, File::Page))
                }
                (Ok(version), "manifest.json") => {
                    self.record(question, &module, &file_key(&module, &version, File::Manifest))
                }
                (Ok(version), BUNDLE) => self.record(question, &module, &bundle_key(&module, &version)),
                (Ok(version), "module.tar.gz") => self.archive(question, &module, &version),
                _ => Ok(not_found()),
            },
            _ => Ok(not_found()),
        }
    }

    fn health(&self) -> Result<Answer, Error> {
        // An empty store is fine: the first publish is still to come.
        self.store.get(SETTINGS)?;
        Ok(Answer::ok("health", "text/plain", b"ok\n".to_vec()))
    }

    fn metrics(&self) -> Vec<u8> {
        let mut text = String::from("# TYPE terrane_registry_requests_total counter\n");
        for ((route, status), count) in self.counters.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(
                text,
                "terrane_registry_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}"
            );
        }
        text.into_bytes()
    }

    /// Answers with the list of modules, which are all of one namespace.
    fn front_page(&self, question: &Question) -> Result<Answer, Error> {
        match Registry::open(self.store.as_ref()) {
            Ok(registry) => self.page(question, &registry.settings().namespace, PAGE),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(Answer::error("page", 404, "nothing is published yet"))
            }
            Err(error) => Err(error),
        }
    }

    fn denied(&self, route: &'static str, question: &Question, namespace: &str) -> Option<Answer> {
        let tokens = self.tokens.as_ref()?;
        if tokens.admit(namespace, question.authorization.as_deref()) {
            return None;
        }
        let answer = Answer::error(route, 401, "a token of this namespace is needed");
        Some(answer.with("WWW-Authenticate", "Bearer"))
    }

    fn versions(&self, question: &Question, module: &ModuleName) -> Result<Answer, Error> {
        if let Some(denied) = self.denied("versions", question, module.namespace()) {
            return Ok(denied);
        }
        Ok(match self.store.get(&versions_key(module))? {
            Some(object) => {
                Answer::ok("versions", "application/json", object.bytes).with("Cache-Control", "no-cache")
            }
            None => Answer::error("versions", 404, "no such module"),
        })
    }

    fn download(
        &self,
        question: &Question,
        module: &ModuleName,
        version: &semver::Version,
    ) -> Result<Answer, Error> {
        if let Some(denied) = self.denied("download", question, module.namespace()) {
            return Ok(denied);
        }
        let published = match self.store.get(&versions_key(module))? {
            Some(object) => crate::Index::parse(&object.bytes)?.has(version),
            None => false,
        };
        let manifest = self.store.get(&file_key(module, version, File::Manifest))?.filter(|_| published);
        let Some(manifest) = manifest else {
            return Ok(Answer::error("download", 404, "no such version"));
        };
        let mut location = location(&Manifest::parse(&manifest.bytes)?.sha256);
        if let Some(tokens) = &self.tokens {
            let path = format!("/{}", file_key(module, version, File::Archive));
            let _ = write!(location, "&{}", tokens.sign(&path, question.now));
        }
        // Terraform reads the header and OpenTofu the body.
        let body = json!({"location": location}).to_string().into_bytes();
        Ok(Answer::ok("download", "application/json", body)
            .with("X-Terraform-Get", location)
            .with("Cache-Control", "no-cache"))
    }

    fn page(&self, question: &Question, namespace: &str, key: &str) -> Result<Answer, Error> {
        /// What a page may do, whatever a README says.
        const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
        if let Some(denied) = self.denied("page", question, namespace) {
            return Ok(denied);
        }
        Ok(match self.store.get(key)? {
            Some(object) => Answer::ok("page", "text/html; charset=utf-8", object.bytes)
                .with("Cache-Control", "no-cache")
                .with("Content-Security-Policy", POLICY)
                .with("X-Content-Type-Options", "nosniff"),
            None => Answer::error("page", 404, "no such page"),
        })
    }

    /// Answers with what the store records of a version.
    fn record(&self, question: &Question, module: &ModuleName, key: &str) -> Result<Answer, Error> {
        if let Some(denied) = self.denied("record", question, module.namespace()) {
            return Ok(denied);
        }
        Ok(match self.store.get(key)? {
            Some(object) => Answer::ok("record", "application/json", object.bytes),
            None => Answer::error("record", 404, "no such version"),
        })
    }

    fn archive(
        &self,
        question: &Question,
        module: &ModuleName,
        version: &semver::Version,
    ) -> Result<Answer, Error> {
        if let Some(tokens) = &self.tokens
            && !tokens.is_signed(&question.path, &question.query, question.now)
            && !tokens.admit(module.namespace(), question.authorization.as_deref())
        {
            return Ok(Answer::error("archive", 401, "the location is not signed, or has expired"));
        }
        let cache = if self.tokens.is_some() { "private" } else { "public" };
        Ok(match self.store.get(&file_key(module, version, File::Archive))? {
            Some(object) => Answer::ok("archive", "application/gzip", object.bytes)
                .with("Cache-Control", format!("{cache}, max-age=31536000, immutable")),
            None => Answer::error("archive", 404, "no such version"),
        })
    }
}
