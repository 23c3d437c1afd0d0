//! Tables in the README that commands write, each between a pair of markers.

use crate::{
    error::{Error, ErrorKind, Result},
    files,
    workspace::Workspace,
};

/// Puts a text between `<!-- name -->` and `<!-- /name -->`.
///
/// # Errors
///
/// [`ErrorKind::Refused`] if the README has no such markers.
pub(crate) fn write(workspace: &Workspace, name: &str, table: &str) -> Result<()> {
    let path = workspace.root().join("README.md");
    let text = files::read(&path)?;
    let replaced = replace(&text, name, table).ok_or_else(|| {
        Error::new(
            ErrorKind::Refused,
            format!("{} has no <!-- {name} --> and <!-- /{name} -->", path.display()),
        )
    })?;
    files::write(&path, &replaced)
}

fn replace(text: &str, name: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(&format!("<!-- {name} -->\n"))?;
    let end = format!("<!-- /{name} -->");
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}<!-- {name} -->\n{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let text = "a\n<!-- t -->\nold\n<!-- /t -->\nb\n";
        assert_eq!(replace(text, "t", "new\n").unwrap(), "a\n<!-- t -->\nnew\n<!-- /t -->\nb\n");
        assert_eq!(replace(text, "u", "new\n"), None);
    }
}
