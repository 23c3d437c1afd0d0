//! The outputs of the published Terrane modules as typed Rust structs.
