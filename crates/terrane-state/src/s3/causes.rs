//! What an error of the AWS crates says, in words alone: their own way to print it adds all fields of each cause.

use std::error::Error;

/// Returns what an error and its causes say, outermost first.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_once_and_without_its_fields() {
        let inner = std::io::Error::other("the host said no");
        let middle = std::io::Error::other(inner);
        let outer = aws_credential_types::provider::error::CredentialsError::provider_error(middle);
        let text = causes(&outer);
        assert_eq!(text, "an error occurred while loading credentials: the host said no");
    }
}
