//! The excerpt of the provider's schema that modules are checked against.
