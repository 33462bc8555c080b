//! Errors in a table: the place, the message, and the similar word that was probably meant.

use std::fmt;

/// An error in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// The place, such as `on.call-user[0].to`. Empty for the table itself.
    pub place: String,
    /// The message: what is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

/// The known word that is most similar to the written word, if one is similar enough.
pub(crate) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_ascii_lowercase();
    let near = known.into_iter().filter_map(|word| {
        let lower = word.to_ascii_lowercase();
        let most = (word.chars().count() / 3).clamp(1, 3);
        let distance = distance(&written, &lower);
        (distance <= most).then_some((distance, word))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `; did you mean "x"?`, or an empty text.
pub(super) fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, known).map_or_else(String::new, |word| format!("; did you mean {word:?}?"))
}

/// The edit distance: the number of characters to add, remove, replace or swap with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, x) in a.chars().take(64).enumerate() {
        let mut next = vec![i.saturating_add(1)];
        let mut left = None;
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX);
            let replaced = at(&row, j).saturating_add(usize::from(x != *y));
            let removed = at(&row, j.saturating_add(1)).saturating_add(1);
            let added = at(&next, j).saturating_add(1);
            let mut best = replaced.min(removed).min(added);
            if j > 0 && last == Some(*y) && left == Some(x) {
                best = best.min(at(&before, j.saturating_sub(1)).saturating_add(1));
            }
            next.push(best);
            left = Some(*y);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(x);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_words() {
        let known = ["sender", "others", "all", "everyone", "broadcast"];
        for (written, expected) in [
            ("other", Some("others")),
            ("Others", Some("others")),
            ("evreyone", Some("everyone")),
            ("brodcast", Some("broadcast")),
            ("al", Some("all")),
            ("everybody", None),
            ("room", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), expected, "{written}");
        }
    }
}
