//! `verify` with signature bundles, made with a certificate authority of the test's own.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use terrane_registry::{Expect, MemoryStore, Registry, Store as _, Trust, parse_version};

use crate::common::{network, publish, variant};

const SIGNER: &str = "https://github.com/acme/networks/.github/workflows/publish.yml@refs/heads/main";
const BUNDLE: &str = "v1/modules/acme/network/aws/1.0.0/module.tar.gz.sigstore.json";

/// Authorities, a signer with a certificate, and what it signs.
struct Signer {
    directory: tempfile::TempDir,
}

impl Signer {
    /// Returns `None` where there is no openssl; CI insists.
    fn new() -> Option<Signer> {
        let signer = Signer { directory: tempfile::tempdir().unwrap() };
        if Command::new("openssl").arg("version").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "openssl not found");
            eprintln!("skipped: openssl not found");
            return None;
        }
        let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        for root in ["root", "other"] {
            let (file, subject) = (format!("{root}.key"), format!("/CN={root}"));
            let out = ["-days", "2", "-subj", &subject, "-keyout", &file, "-out", root];
            signer.openssl(&[&key[..], &out[..]].concat());
        }
        let extensions = format!(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
             extendedKeyUsage=codeSigning\nsubjectAltName=critical,URI:{SIGNER}\n"
        );
        fs::write(signer.path().join("extensions"), extensions).unwrap();
        signer.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=s",
            "-keyout",
            "leaf.key",
            "-out",
            "leaf.csr",
        ]);
        signer.openssl(&[
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            "-CA",
            "root",
            "-CAkey",
            "root.key",
            "-CAcreateserial",
            "-days",
            "1",
            "-extfile",
            "extensions",
            "-outform",
            "der",
            "-out",
            "leaf",
        ]);
        signer.openssl(&["pkey", "-in", "leaf.key", "-pubout", "-out", "leaf.pub"]);
        Some(signer)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path().join(file)).unwrap()
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl").args(arguments).current_dir(self.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
    }

    fn sign(&self, message: &[u8]) -> String {
        fs::write(self.path().join("message"), message).unwrap();
        self.openssl(&["dgst", "-sha256", "-sign", "leaf.key", "-out", "signature", "message"]);
        encode(&self.read("signature"))
    }

    fn bundle(&self) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 60;
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": encode(&self.read("leaf"))},
                "tlogEntries": [{"integratedTime": now.to_string()}],
            },
        })
    }

    /// What `cosign sign-blob` writes.
    fn message_bundle(&self, archive: &[u8]) -> Value {
        let mut bundle = self.bundle();
        bundle["messageSignature"] = json!({
            "messageDigest": {"algorithm": "SHA2_256", "digest": encode(&Sha256::digest(archive))},
            "signature": self.sign(archive),
        });
        bundle
    }

    /// What a provenance attestation is.
    fn statement_bundle(&self, archive: &[u8]) -> Value {
        let digest: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "module.tar.gz", "digest": {"sha256": digest}}],
            "predicateType": "https://slsa.dev/provenance/v1",
        })
        .to_string();
        let kind = "application/vnd.in-toto+json";
        let signed = format!("DSSEv1 {} {kind} {} {statement}", kind.len(), statement.len());
        let mut bundle = self.bundle();
        bundle["dsseEnvelope"] = json!({
            "payload": encode(statement.as_bytes()),
            "payloadType": kind,
            "signatures": [{"sig": self.sign(signed.as_bytes())}],
        });
        bundle
    }
}

fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Verifies a version with a bundle; returns the faults as one text.
fn verified(bundle: Option<&Value>, trust: &Trust) -> String {
    let store = MemoryStore::default();
    publish(&store, &network(), "1.0.0", &variant(0)).unwrap();
    if let Some(bundle) = bundle {
        store.put(BUNDLE, bundle.to_string().as_bytes(), Expect::Absent).unwrap();
    }
    let registry = Registry::open(&store).unwrap();
    let faults = registry.verify_trusting(&network(), &parse_version("1.0.0").unwrap(), trust).unwrap();
    if !trust_is_given(trust) {
        assert_eq!(registry.fsck().unwrap(), faults, "fsck says the same");
    }
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn trust_is_given(trust: &Trust) -> bool {
    format!("{trust:?}") != format!("{:?}", Trust::default())
}

#[test]
fn signatures_of_the_archive_are_verified_against_whom_one_trusts() {
    let Some(signer) = Signer::new() else { return };
    let archive = variant(0).tar_gz().unwrap();
    let nobody = Trust::default();
    let roots = nobody.clone().with_roots(&signer.read("root")).unwrap();
    let key = nobody.clone().with_key(&signer.read("leaf.pub")).unwrap();
    for bundle in [signer.message_bundle(&archive), signer.statement_bundle(&archive)] {
        for trust in [&nobody, &roots, &key, &roots.clone().with_signer(SIGNER)] {
            assert_eq!(verified(Some(&bundle), trust), "");
        }
        let other = nobody.clone().with_roots(&signer.read("other")).unwrap();
        assert!(verified(Some(&bundle), &other).contains("do not vouch for"));
        let stranger = roots.clone().with_signer("https://github.com/stranger/x");
        assert!(verified(Some(&bundle), &stranger).contains(&format!("is signed by `{SIGNER}`, not by")));

        let mut late = bundle.clone();
        late["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "4000000000".into();
        assert!(verified(Some(&late), &roots).contains("do not vouch for"));
        let mut keyed = bundle.clone();
        keyed["verificationMaterial"] = json!({"publicKey": {"hint": "k"}});
        assert_eq!(verified(Some(&keyed), &key), "");
        assert!(verified(Some(&keyed), &roots).contains("no certificate"));
    }
    assert_eq!(verified(None, &nobody), "");
    assert!(verified(None, &roots).contains("is missing"));
}

#[test]
fn bundles_that_do_not_vouch_for_the_archive_are_faults() {
    let Some(signer) = Signer::new() else { return };
    let (archive, other) = (variant(0).tar_gz().unwrap(), variant(1).tar_gz().unwrap());
    let nobody = Trust::default();
    for bundle in [signer.message_bundle(&other), signer.statement_bundle(&other)] {
        assert!(verified(Some(&bundle), &nobody).contains("does not speak of this archive"));
    }
    // A signature of another message under this archive's digest.
    let mut bundle = signer.message_bundle(&archive);
    bundle["messageSignature"]["signature"] = signer.sign(&other).into();
    assert!(verified(Some(&bundle), &nobody).contains("has a signature that its certificate did not make"));
    let key = nobody.clone().with_key(&signer.read("leaf.pub")).unwrap();
    assert!(verified(Some(&bundle), &key).contains("not signed with the given key"));
    for broken in
        [json!({}), json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}), json!([1])]
    {
        assert!(verified(Some(&broken), &nobody).contains("is no Sigstore bundle"));
    }
    assert!(nobody.clone().with_roots(b"none").is_err() && nobody.with_key(b"none").is_err());
}
