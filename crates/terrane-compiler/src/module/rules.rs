//! What AWS refuses or needs and neither Terraform nor the emulator checks, as rules over a module.
