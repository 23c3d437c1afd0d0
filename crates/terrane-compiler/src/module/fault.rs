//! What is wrong with a module: a bug of a feature, found before anyone runs Terraform.

use std::fmt;

/// One thing that Terraform or AWS would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it belongs to, such as `aws_subnet.app`.
    pub address: String,
    /// The argument, such as `timeouts.create`; empty for the whole.
    pub argument: String,
    /// What is wrong: a lower-case fragment without a final period.
    pub message: String,
    /// What to do, imperative.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        if !self.argument.is_empty() {
            write!(f, ": {}", self.argument)?;
        }
        write!(f, ": {} ({})", self.message, self.hint)
    }
}
