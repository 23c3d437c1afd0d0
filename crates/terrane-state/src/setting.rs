//! How a place was configured, for people.

/// One setting of a reader, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The argument's name.
    pub name: String,
    /// Its value; `(sensitive)` for a secret.
    pub value: String,
    /// Where it came from: an environment variable, a file, `argument`, or `default`.
    pub source: String,
}

/// What the source of a setting says that came with the arguments, unless they came from a file.
pub(crate) const ARGUMENT: &str = "argument";

/// What a setting says in place of a secret.
pub(crate) const HIDDEN: &str = "(sensitive)";

/// Where arguments and workspace came from.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    pub(crate) arguments: String,
    pub(crate) workspace: String,
}

impl Setting {
    pub(crate) fn new(name: &str, value: &str, source: &str) -> Setting {
        Setting { name: name.to_owned(), value: without_password(value), source: source.to_owned() }
    }
}

/// Hides what stands before the `@` of a URL, such as the password of a proxy.
fn without_password(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://{HIDDEN}{}", &rest[at..]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_hidden() {
        let hidden = "http://(sensitive)@proxy:3128/a@b";
        assert_eq!(without_password("http://me:p@ss@proxy:3128/a@b"), hidden);
        for plain in ["http://proxy:3128/a@b", "a@b", ""] {
            assert_eq!(without_password(plain), plain);
        }
    }
}
