//! The canonical printer: text that `terraform fmt` leaves alone.
