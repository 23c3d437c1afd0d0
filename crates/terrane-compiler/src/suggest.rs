//! "Did you mean": the known word that is closest to an unknown one.

/// Returns what to do about an unknown word: the closest known one, or all of them.
pub(crate) fn hint<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let closest = known
        .iter()
        .map(|word| (distance(found, word), *word))
        .filter(|(distance, word)| *distance <= word.len().max(found.len()).div_ceil(3).max(1))
        .min();
    match closest {
        Some((_, word)) => format!("did you mean `{word}`?"),
        None if known.is_empty() => "none is declared".to_owned(),
        None => format!("known are {}", list(known)),
    }
}

/// Returns up to three known words that are close to an unknown one, the closest first.
pub(crate) fn closest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let found = found.to_lowercase();
    let mut close: Vec<(usize, &str)> = known
        .into_iter()
        .map(|word| (distance(&found, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= word.len().max(found.len()).div_ceil(3).max(1))
        .collect();
    close.sort_unstable();
    close.truncate(3);
    close.into_iter().map(|(_, word)| word).collect()
}

/// Returns words in backquotes, separated by commas.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Insertions, deletions, and replacements that turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_closest_word_or_all() {
        assert_eq!(hint("pubic", ["app", "public"]), "did you mean `public`?");
        assert_eq!(hint("zebra", ["app", "db"]), "known are `app`, `db`");
        assert_eq!(hint("x", []), "none is declared");
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
    }
}
