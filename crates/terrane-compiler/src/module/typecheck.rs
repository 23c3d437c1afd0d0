//! Every reference resolves, every argument exists, and every type fits.
