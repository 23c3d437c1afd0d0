//! Where in a bucket a workspace's state is.

use crate::workspace::DEFAULT;

/// Returns the object of a workspace, joined and cleaned as Terraform does except for the default workspace.
pub(crate) fn object_key(prefix: &str, workspace: &str, key: &str) -> String {
    if workspace == DEFAULT { key.to_owned() } else { clean(&format!("{prefix}/{workspace}/{key}")) }
}

/// Cleans a relative path: no empty or `.` elements, and each `..` takes the element before it.
fn clean(path: &str) -> String {
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if elements.last().is_some_and(|last| *last != "..") => {
                elements.pop();
            }
            other => elements.push(other),
        }
    }
    elements.join("/")
}

/// Returns the workspace that an object is the state of, if it is one of this key.
pub(crate) fn of_object<'a>(object: &'a str, prefix: &str, key: &str) -> Option<&'a str> {
    let rest = if prefix.is_empty() { object } else { object.strip_prefix(prefix)?.strip_prefix('/')? };
    let (workspace, rest) = rest.split_once('/')?;
    (rest == key && !workspace.is_empty()).then_some(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_stand_under_the_prefix() {
        assert_eq!(object_key("env:", "default", "a/../b"), "a/../b");
        assert_eq!(object_key("env:", "w", "a/../b"), "env:/w/b");
        assert_eq!(object_key("", "w10", "pk2"), "w10/pk2");
        assert_eq!(object_key("pp", "w1", "./a//b"), "pp/w1/a/b");
    }

    #[test]
    fn objects_of_other_keys_are_no_workspaces() {
        assert_eq!(of_object("env:/w/k", "env:", "k"), Some("w"));
        assert_eq!(of_object("env:/w/k.tflock", "env:", "k"), None);
        assert_eq!(of_object("env:w/k", "env:", "k"), None);
        assert_eq!(of_object("w/a/k", "", "a/k"), Some("w"));
    }
}
