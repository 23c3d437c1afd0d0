//! Digests that tell one text from another, for diagnosis.

use sha2::{Digest as _, Sha256};

/// Returns the first 16 hexadecimal digits of the SHA-256 of a text.
pub(crate) fn short(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
