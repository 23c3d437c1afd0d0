//! The module registry protocol, as a function from requests to answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

use super::Tokens;
use crate::layout::{
    BUNDLE, File, MODULE_LIST, MODULES, Manifest, SETTINGS, bundle_key, discovery, file_key, location,
    page_key, versions_key,
};
use crate::package::sha256_hex;
use crate::page::{PAGE, error_page};
use crate::{Error, ErrorKind, ModuleName, Object, Registry, Store, parse_version};

/// What a client asks.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) authorization: Option<String>,
    pub(super) if_none_match: Option<String>,
    pub(super) range: Option<String>,
    pub(super) if_range: Option<String>,
    pub(super) accept: Option<String>,
    /// Seconds since 1970.
    pub(super) now: u64,
}

/// What it gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
    /// The kind of request, for the counters.
    route: &'static str,
}

/// The body of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    /// Part of an object in the store, which is read while it is sent.
    Object {
        key: String,
        start: u64,
        end: u64,
    },
}

/// What a page may do, whatever a README says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

impl Answer {
    fn ok(route: &'static str, content_type: &str, body: Vec<u8>) -> Answer {
        let headers = vec![("Content-Type", content_type.to_owned())];
        Answer { status: 200, headers, content: Content::Bytes(body), route }
    }

    fn error(route: &'static str, status: u16, message: &str) -> Answer {
        let body = json!({"errors": [message]}).to_string().into_bytes();
        let headers = vec![("Content-Type", "application/json".to_owned())];
        Answer { status, headers, content: Content::Bytes(body), route }
    }

    /// An answer without a body.
    fn empty(route: &'static str, status: u16) -> Answer {
        Answer { status, headers: Vec::new(), content: Content::Bytes(Vec::new()), route }
    }

    /// Returns the length of the body.
    pub(super) fn length(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Object { start, end, .. } => end - start,
        }
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
        let answer = self.route(question).unwrap_or_else(|error| match error.kind() {
            ErrorKind::Damaged => {
                Answer::error("failure", 500, &format!("{error}; `terrane registry fsck` says more"))
            }
            _ => Answer::failure(),
        });
        let answer = finished(answer, question);
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
            "/index.json" => return self.module_list(question),
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
        self.get(SETTINGS)?;
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
                self.store.check()?;
                Ok(Answer::error("page", 404, "nothing is published yet"))
            }
            Err(error) => Err(error),
        }
    }

    fn module_list(&self, question: &Question) -> Result<Answer, Error> {
        let Ok(registry) = Registry::open(self.store.as_ref()) else {
            self.store.check()?;
            return Ok(Answer::error("page", 404, "nothing is published yet"));
        };
        if let Some(denied) = self.denied("page", question, &registry.settings().namespace) {
            return Ok(denied);
        }
        Ok(match self.get(MODULE_LIST)? {
            Some(object) => {
                Answer::ok("page", "application/json", object.bytes).with("Cache-Control", "no-cache")
            }
            None => Answer::error("page", 404, "nothing is published yet"),
        })
    }

    /// Reads an object; that there is none is believed of a store that is there.
    fn get(&self, key: &str) -> Result<Option<Object>, Error> {
        let found = self.store.get(key)?;
        if found.is_none() {
            self.store.check()?;
        }
        Ok(found)
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
        Ok(match self.get(&versions_key(module))? {
            Some(object) => {
                // Clients would take a damaged list for an empty one.
                crate::Index::parse(&object.bytes)?;
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
        let published = match self.get(&versions_key(module))? {
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
        if let Some(denied) = self.denied("page", question, namespace) {
            return Ok(denied);
        }
        Ok(match self.get(key)? {
            Some(object) => Answer::ok("page", "text/html; charset=utf-8", object.bytes)
                .with("Cache-Control", "no-cache")
                .with("Content-Security-Policy", POLICY),
            None => Answer::error("page", 404, "no such page"),
        })
    }

    /// Answers with what the store records of a version.
    fn record(&self, question: &Question, module: &ModuleName, key: &str) -> Result<Answer, Error> {
        if let Some(denied) = self.denied("record", question, module.namespace()) {
            return Ok(denied);
        }
        Ok(match self.get(key)? {
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
        let key = file_key(module, version, File::Archive);
        let Some(stat) = self.store.stat(&key)? else {
            self.store.check()?;
            return Ok(Answer::error("archive", 404, "no such version"));
        };
        let manifest = self.store.get(&file_key(module, version, File::Manifest))?;
        let digest = manifest.and_then(|manifest| Some(Manifest::parse(&manifest.bytes).ok()?.sha256));
        let tag = digest.map(|digest| format!("\"{digest}\""));
        if is_unchanged(question, tag.as_deref()) {
            return Ok(Answer::empty("archive", 304).with("ETag", tag.unwrap_or_default()));
        }
        let mut answer = Answer::ok("archive", "application/gzip", Vec::new())
            .with("Cache-Control", format!("{cache}, max-age=31536000, immutable"))
            .with("Accept-Ranges", "bytes");
        // A range of something else is of no use.
        let is_same = question.if_range.is_none() || question.if_range == tag;
        let range =
            question.range.as_deref().filter(|_| is_same).and_then(|range| Range::parse(range, stat.size));
        if let Some(tag) = tag {
            answer = answer.with("ETag", tag);
        }
        let (start, end) = match range {
            None => (0, stat.size),
            Some(Range::Part(start, end)) => {
                answer.status = 206;
                answer = answer.with("Content-Range", format!("bytes {start}-{}/{}", end - 1, stat.size));
                (start, end)
            }
            Some(Range::Outside) => {
                return Ok(Answer::error("archive", 416, "the range starts after the end of the archive")
                    .with("Content-Range", format!("bytes */{}", stat.size)));
            }
        };
        answer.content = Content::Object { key, start, end };
        Ok(answer)
    }
}

/// What a client asks of an object of a known size.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// From the first byte to before the second one.
    Part(u64, u64),
    Outside,
}

impl Range {
    /// Reads a `Range` header; `None` for what may be answered with the whole object.
    fn parse(text: &str, size: u64) -> Option<Range> {
        let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
        let (first, last) = (first.trim(), last.trim());
        let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(start), Ok(last)) if start <= last => (start, last.saturating_add(1)),
            (Ok(start), Err(_)) if last.is_empty() => (start, size),
            (Err(_), Ok(length)) if first.is_empty() && length > 0 => (size.saturating_sub(length), size),
            _ => return None,
        };
        Some(if start >= size { Range::Outside } else { Range::Part(start, end.min(size)) })
    }
}

/// Whether a client has what it asks for already.
fn is_unchanged(question: &Question, tag: Option<&str>) -> bool {
    let (Some(known), Some(tag)) = (question.if_none_match.as_deref(), tag) else { return false };
    known
        .split(',')
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

/// Adds what every answer has; a client that has the same already gets no body.
fn finished(mut answer: Answer, question: &Question) -> Answer {
    let is_for_people = question.accept.as_deref().is_some_and(|accept| accept.contains("text/html"));
    if answer.status == 404 && is_for_people {
        answer.headers.retain(|(name, _)| *name != "Content-Type");
        answer.content = Content::Bytes(error_page("Not found", "There is nothing here."));
        answer =
            answer.with("Content-Type", "text/html; charset=utf-8").with("Content-Security-Policy", POLICY);
    }
    if let (200, Content::Bytes(bytes)) = (answer.status, &answer.content) {
        let tag = format!("\"{}\"", sha256_hex(bytes));
        if is_unchanged(question, Some(&tag)) {
            answer.status = 304;
            answer.content = Content::Bytes(Vec::new());
        }
        answer = answer.with("ETag", tag);
    }
    answer.with("X-Content-Type-Options", "nosniff").with("Referrer-Policy", "no-referrer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_writes_them() {
        let part = |start, end| Some(Range::Part(start, end));
        for (text, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-", part(2, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-30", part(0, 10)),
            ("bytes=5-500", part(5, 10)),
            ("bytes=10-", Some(Range::Outside)),
            ("bytes=5-4", None),
            ("bytes=-0", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=a-b", None),
        ] {
            assert_eq!(Range::parse(text, 10), expected, "{text}");
        }
    }
}
