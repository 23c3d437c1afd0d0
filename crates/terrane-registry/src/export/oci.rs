//! OCI image layouts: one for each module, at `NS/NAME/SYSTEM`, with a tag for each version.
//!
//! OpenTofu wants exactly one layer, a zip, under its own artifact type:
//! <https://opentofu.org/docs/language/modules/sources/#oci-registry>.
//! The layout is that of <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>,
//! so `oras cp --from-oci-layout` and `skopeo copy oci:` take it to any OCI registry.

use serde_json::{Value, json};

use super::{Exporting, write_once};
use crate::package::sha256_hex;
use crate::registry::retry;
use crate::{Error, ErrorKind, Expect, Package, Put, Store};

const ARTIFACT: &str = "application/vnd.opentofu.modulepkg";
const LAYER: &str = "archive/zip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const TAG: &str = "org.opencontainers.image.ref.name";

pub(super) fn write(target: &dyn Store, exporting: &Exporting<'_>) -> Result<String, Error> {
    let Exporting { module, version, manifest, archive } = exporting;
    let layout = module.to_string();
    let zip = Package::from_tar_gz(archive)?.zip()?;
    write_once(target, &format!("{layout}/oci-layout"), b"{\"imageLayoutVersion\":\"1.0.0\"}")?;
    let mut layer = blob(target, &layout, LAYER, &zip)?;
    layer["annotations"] = json!({"org.opencontainers.image.title": "module.zip"});
    let image = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT,
        "config": blob(target, &layout, EMPTY, b"{}")?,
        "layers": [layer],
        "annotations": {
            "org.opencontainers.image.title": layout,
            "org.opencontainers.image.version": version.to_string(),
            "dev.terrane.h1": manifest.h1,
        },
    });
    let mut entry = blob(target, &layout, MANIFEST, image.to_string().as_bytes())?;
    entry["artifactType"] = ARTIFACT.into();
    entry["annotations"] = json!({TAG: version.to_string()});
    tag(target, &layout, &entry)?;
    Ok(format!("{layout}:{version}@{}", entry["digest"].as_str().unwrap_or_default()))
}

/// Writes a blob and returns its descriptor.
fn blob(target: &dyn Store, layout: &str, media_type: &str, bytes: &[u8]) -> Result<Value, Error> {
    let digest = sha256_hex(bytes);
    write_once(target, &format!("{layout}/blobs/sha256/{digest}"), bytes)?;
    Ok(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": bytes.len()}))
}

/// Adds a tag to the layout's index; one that exists must point to the same manifest.
fn tag(target: &dyn Store, layout: &str, entry: &Value) -> Result<(), Error> {
    let key = format!("{layout}/index.json");
    let damaged = || Error::new(ErrorKind::Damaged, format!("`{key}` is no OCI image index"));
    retry(&format!("`{key}`"), || {
        let before = target.get(&key)?;
        let mut index = match &before {
            Some(object) => serde_json::from_slice(&object.bytes).map_err(|_| damaged())?,
            None => json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}),
        };
        let manifests = index["manifests"].as_array_mut().ok_or_else(damaged)?;
        let name = &entry["annotations"][TAG];
        if let Some(existing) = manifests.iter().find(|existing| existing["annotations"][TAG] == *name) {
            if existing["digest"] == entry["digest"] {
                return Ok(Some(()));
            }
            let message =
                format!("`{layout}`: the tag {name} is {}, not {}", existing["digest"], entry["digest"]);
            return Err(Error::new(ErrorKind::Taken, message));
        }
        manifests.push(entry.clone());
        let expect = before.as_ref().map_or(Expect::Absent, |object| Expect::Unchanged(&object.tag));
        match target.put(&key, index.to_string().as_bytes(), expect)? {
            Put::Written => Ok(Some(())),
            Put::Refused => Ok(None),
        }
    })
}
