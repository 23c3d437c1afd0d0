//! Tables in the pages under `docs/` that commands write, each between a pair of markers.

use crate::{
    error::{Error, ErrorKind, Result},
    files,
    workspace::Workspace,
};

/// The pages with tables.
const PAGES: [&str; 2] = ["docs/benchmarks.md", "docs/churn.md"];

/// Puts a text between `<!-- name -->` and `<!-- /name -->`.
///
/// # Errors
///
/// [`ErrorKind::Refused`] if no page has such markers.
pub(crate) fn write(workspace: &Workspace, name: &str, table: &str) -> Result<()> {
    for page in PAGES {
        let path = workspace.root().join(page);
        if let Some(replaced) = replace(&files::read(&path)?, name, table) {
            return files::write(&path, &replaced);
        }
    }
    let message = format!("neither of {} has <!-- {name} --> and <!-- /{name} -->", PAGES.join(" and "));
    Err(Error::new(ErrorKind::Refused, message))
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
