//! Signature bundles: who vouches for an archive, in the form of Sigstore, which `cosign` and GitHub's attestations write.
//!
//! A bundle lies beside the archive, as `module.tar.gz.sigstore.json`, and is optional.
//! Everything is checked offline: that it speaks of the archive, that its signature holds, and, with roots of trust,
//! that a certificate authority vouched for the signer when it was made. The transparency log is not asked.
//! The format: <https://docs.sigstore.dev/about/bundle/>.

use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime,
};
use webpki::{EndEntityCert, KeyUsage, RawPublicKeyEntity, anchor_from_trusted_cert, ring};

use crate::Error;
use crate::package::{hex, sha256_hex};

/// The purpose of a certificate that signs files: 1.3.6.1.5.5.7.3.3.
const CODE_SIGNING: KeyUsage = KeyUsage::required(&[43, 6, 1, 5, 5, 7, 3, 3]);

/// What Sigstore signs with.
const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 3] =
    [ring::ECDSA_P256_SHA256, ring::ECDSA_P384_SHA384, ring::ED25519];

/// Whom a signature has to come from; the default asks for none in particular.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    roots: Vec<CertificateDer<'static>>,
    key: Option<SubjectPublicKeyInfoDer<'static>>,
    signer: Option<String>,
}

impl Trust {
    /// Trusts certificate authorities, in PEM.
    ///
    /// # Errors
    ///
    /// Refuses a text without certificates.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Trust, Error> {
        let roots = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        self.roots =
            roots.map_err(|error| Error::input(format!("the roots of trust are refused: {error}")))?;
        match self.roots.is_empty() {
            true => Err(Error::input("the roots of trust hold no certificate in PEM")),
            false => Ok(self),
        }
    }

    /// Trusts one public key, in PEM, as `cosign generate-key-pair` writes it.
    ///
    /// # Errors
    ///
    /// Refuses a text without a public key.
    pub fn with_key(mut self, pem: &[u8]) -> Result<Trust, Error> {
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem)
            .map_err(|error| Error::input(format!("no public key in PEM: {error}")))?;
        self.key = Some(key);
        Ok(self)
    }

    /// Asks for a signer by the URI in its certificate, such as that of a workflow.
    #[must_use]
    pub fn with_signer(mut self, uri: &str) -> Trust {
        self.signer = Some(uri.to_owned());
        self
    }

    /// Whether an unsigned version is a fault.
    pub(crate) fn is_demanding(&self) -> bool {
        !self.roots.is_empty() || self.key.is_some() || self.signer.is_some()
    }
}

/// A bundle as far as it matters here.
struct Bundle {
    certificate: Option<CertificateDer<'static>>,
    intermediates: Vec<CertificateDer<'static>>,
    /// Seconds since 1970 at which the log took the signature.
    time: Option<u64>,
    content: Content,
    signature: Vec<u8>,
}

enum Content {
    /// The archive itself is signed, by its digest.
    Message { sha256: Vec<u8> },
    /// A statement about the archive is signed.
    Statement { payload_type: String, payload: Vec<u8> },
}

/// Checks that a bundle vouches for an archive as it has to.
pub(crate) fn check(bundle: &[u8], archive: &[u8], trust: &Trust) -> Result<(), String> {
    let bundle = Bundle::parse(bundle).map_err(|what| format!("is no Sigstore bundle: {what}"))?;
    bundle.check_speaks_of(&sha256_hex(archive))?;
    let message = match &bundle.content {
        Content::Message { .. } => archive.to_vec(),
        Content::Statement { payload_type, payload } => encoded(payload_type, payload),
    };
    if let Some(key) = &trust.key {
        let key = RawPublicKeyEntity::try_from(key).map_err(|error| format!("the public key: {error}"))?;
        let holds = ALGORITHMS
            .iter()
            .any(|algorithm| key.verify_signature(*algorithm, &message, &bundle.signature).is_ok());
        return if holds { Ok(()) } else { Err("is not signed with the given key".to_owned()) };
    }
    let Some(certificate) = &bundle.certificate else {
        return match trust.is_demanding() {
            true => {
                Err("has no certificate, and so no signer; name the key that it is signed with".to_owned())
            }
            false => Ok(()),
        };
    };
    let entity = EndEntityCert::try_from(certificate)
        .map_err(|error| format!("has a certificate that cannot be read: {error}"))?;
    let holds = ALGORITHMS
        .iter()
        .any(|algorithm| entity.verify_signature(*algorithm, &message, &bundle.signature).is_ok());
    if !holds {
        return Err("has a signature that its certificate did not make".to_owned());
    }
    if !trust.roots.is_empty() {
        bundle.check_issued_under(&entity, &trust.roots)?;
    }
    check_signer(&entity, trust.signer.as_deref())
}

fn check_signer(entity: &EndEntityCert<'_>, expected: Option<&str>) -> Result<(), String> {
    let Some(expected) = expected else { return Ok(()) };
    let found: Vec<&str> = entity.valid_uri_names().collect();
    if found.contains(&expected) {
        return Ok(());
    }
    Err(format!("is signed by `{}`, not by `{expected}`", found.join("`, `")))
}

impl Bundle {
    fn parse(bytes: &[u8]) -> Result<Bundle, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let kind = value["mediaType"].as_str().unwrap_or_default();
        if !kind.starts_with("application/vnd.dev.sigstore.bundle") {
            return Err(format!("its media type is {kind:?}"));
        }
        let material = &value["verificationMaterial"];
        let mut chain = Vec::new();
        let certificates = material["x509CertificateChain"]["certificates"].as_array();
        for entry in std::iter::once(&material["certificate"]).chain(certificates.into_iter().flatten()) {
            if !entry.is_null() {
                chain.push(CertificateDer::from(decoded(&entry["rawBytes"], "a certificate")?));
            }
        }
        let mut chain = chain.into_iter();
        let (content, signature) = content(&value)?;
        // Numbers of 64 bits are strings in this format.
        let time = &material["tlogEntries"][0]["integratedTime"];
        let time = time.as_u64().or_else(|| time.as_str()?.parse().ok());
        Ok(Bundle { certificate: chain.next(), intermediates: chain.collect(), time, content, signature })
    }

    fn check_speaks_of(&self, sha256: &str) -> Result<(), String> {
        let speaks = match &self.content {
            Content::Message { sha256: found } => *sha256 == hex(found),
            Content::Statement { payload, .. } => {
                let statement: Value = serde_json::from_slice(payload).unwrap_or_default();
                let subjects = statement["subject"].as_array().cloned().unwrap_or_default();
                subjects.iter().any(|subject| subject["digest"]["sha256"] == sha256)
            }
        };
        if speaks { Ok(()) } else { Err(format!("does not speak of this archive, sha256:{sha256}")) }
    }

    fn check_issued_under(
        &self,
        entity: &EndEntityCert<'_>,
        roots: &[CertificateDer<'static>],
    ) -> Result<(), String> {
        let Some(time) = self.time else {
            return Err("does not say when it was made, so its certificate cannot be checked".to_owned());
        };
        let anchors = roots.iter().map(anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>();
        let anchors = anchors.map_err(|error| format!("a root of trust cannot be read: {error}"))?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(time));
        entity
            .verify_for_usage(&ALGORITHMS, &anchors, &self.intermediates, time, CODE_SIGNING, None, None)
            .map(drop)
            .map_err(|error| format!("has a certificate that the roots of trust do not vouch for: {error}"))
    }
}

fn content(bundle: &Value) -> Result<(Content, Vec<u8>), String> {
    let (message, envelope) = (&bundle["messageSignature"], &bundle["dsseEnvelope"]);
    if !message.is_null() {
        let sha256 = decoded(&message["messageDigest"]["digest"], "the digest")?;
        return Ok((Content::Message { sha256 }, decoded(&message["signature"], "the signature")?));
    }
    if envelope.is_null() {
        return Err("it has neither a message signature nor an envelope".to_owned());
    }
    let content = Content::Statement {
        payload_type: envelope["payloadType"].as_str().unwrap_or_default().to_owned(),
        payload: decoded(&envelope["payload"], "the payload")?,
    };
    Ok((content, decoded(&envelope["signatures"][0]["sig"], "the signature")?))
}

/// Returns what is signed of an envelope: <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn decoded(value: &Value, what: &str) -> Result<Vec<u8>, String> {
    let text = value.as_str().ok_or_else(|| format!("{what} is missing"))?;
    base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| format!("{what}: {error}"))
}
