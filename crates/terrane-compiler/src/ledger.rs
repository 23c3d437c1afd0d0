//! The committed record of which block belongs to which tier and zone letter.
