//! The xtask commands of a Terrane workspace, over any catalog.
