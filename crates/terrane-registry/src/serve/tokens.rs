//! Who may read what.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Error;
use crate::name::check_name;
use crate::package::hex;

/// The tokens of each namespace, of which only digests are kept.
#[derive(Clone)]
pub struct Tokens {
    digests: BTreeMap<String, Vec<[u8; 32]>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("namespaces", &self.digests.keys()).finish_non_exhaustive()
    }
}

/// A token shorter than this can be guessed.
const MIN_TOKEN: usize = 16;
/// How long a signed archive location is good for, in seconds.
const LIFETIME: u64 = 900;

impl Tokens {
    /// Reads lines of `NAMESPACE TOKEN`; empty lines and those with `#` in front are passed over.
    ///
    /// # Errors
    ///
    /// Names the lines that are wrong, without showing a token.
    pub fn parse(text: &str) -> Result<Tokens, Error> {
        let mut digests: BTreeMap<String, Vec<[u8; 32]>> = BTreeMap::new();
        let mut problems = Vec::new();
        for (idx, line) in text.lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                [namespace, token]
                    if check_name("namespace", namespace).is_ok() && token.len() >= MIN_TOKEN =>
                {
                    digests.entry((*namespace).to_owned()).or_default().push(Sha256::digest(token).into());
                }
                _ => problems.push(format!(
                    "line {}: expected a namespace and a token of at least {MIN_TOKEN} characters",
                    idx + 1
                )),
            }
        }
        if digests.is_empty() && problems.is_empty() {
            problems.push("no token; a line is `NAMESPACE TOKEN`".to_owned());
        }
        if problems.is_empty() { Ok(Tokens { digests }) } else { Err(Error::input(problems.join("\n"))) }
    }

    /// Whether a header gives a token of a namespace.
    ///
    /// Every token is compared in full, as digests, so that the time tells nothing about any of them.
    pub(super) fn admit(&self, namespace: &str, authorization: Option<&str>) -> bool {
        let Some(token) = authorization.and_then(|header| header.strip_prefix("Bearer ")) else {
            return false;
        };
        let given: [u8; 32] = Sha256::digest(token).into();
        let known = self.digests.get(namespace).map_or(&[][..], Vec::as_slice);
        known.iter().fold(false, |admitted, digest| bool::from(digest.ct_eq(&given)) | admitted)
    }

    /// Returns the query that opens a path for a while to a client without token.
    ///
    /// Clients send no token for archives, and servers with the same tokens accept each other's.
    pub(super) fn sign(&self, path: &str, now: u64) -> String {
        let expires = now + LIFETIME;
        format!("expires={expires}&signature={}", self.signature(path, expires))
    }

    /// Whether a query opens a path now.
    pub(super) fn is_signed(&self, path: &str, query: &str, now: u64) -> bool {
        let value = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        let Ok(expires) = value("expires").parse::<u64>() else { return false };
        let signature: [u8; 32] = Sha256::digest(self.signature(path, expires)).into();
        let given: [u8; 32] = Sha256::digest(value("signature")).into();
        bool::from(signature.ct_eq(&given)) && (now..=now + LIFETIME).contains(&expires)
    }

    fn signature(&self, path: &str, expires: u64) -> String {
        let mut key = Sha256::new();
        for digest in self.digests.values().flatten() {
            key.update(digest);
        }
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&key.finalize()).expect("HMAC takes a key of any length");
        mac.update(format!("{path}\n{expires}").as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# readers\nacme 0123456789abcdef\nacme fedcba9876543210\nother 0000111122223333\n";

    #[test]
    fn a_token_opens_its_namespace_alone() {
        let tokens = Tokens::parse(TEXT).unwrap();
        assert!(tokens.admit("acme", Some("Bearer 0123456789abcdef")));
        assert!(tokens.admit("acme", Some("Bearer fedcba9876543210")));
        for header in [
            None,
            Some(""),
            Some("0123456789abcdef"),
            Some("Bearer 0123456789abcde"),
            Some("Bearer 0000111122223333"),
        ] {
            assert!(!tokens.admit("acme", header), "{header:?}");
        }
        assert!(!tokens.admit("unknown", Some("Bearer 0123456789abcdef")));
        assert!(!format!("{tokens:?}").contains("0123"));
    }

    #[test]
    fn a_signature_holds_for_one_path_and_a_while() {
        let tokens = Tokens::parse(TEXT).unwrap();
        let query = tokens.sign("/a", 1000);
        assert!(tokens.is_signed("/a", &query, 1000) && tokens.is_signed("/a", &query, 1000 + LIFETIME));
        assert!(!tokens.is_signed("/b", &query, 1000));
        assert!(!tokens.is_signed("/a", &query, 1001 + LIFETIME));
        assert!(!tokens.is_signed("/a", &query.replace("1900", "1901"), 1001));
        assert!(!tokens.is_signed("/a", "", 1000));
        let others = Tokens::parse("acme another-token-entirely").unwrap();
        assert!(!others.is_signed("/a", &query, 1000));
    }

    #[test]
    fn a_bad_token_file_is_refused_without_showing_tokens() {
        let error = Tokens::parse("acme secret\nACME 0123456789abcdef\njust-one\n").unwrap_err().to_string();
        for line in ["line 1", "line 2", "line 3"] {
            assert!(error.contains(line), "{error}");
        }
        assert!(!error.contains("secret") && !error.contains("0123"));
        assert!(Tokens::parse("# none\n").is_err());
    }
}
