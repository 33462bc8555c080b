//! Unknown variables: most are misspelt names of known ones.

use super::Settings;
use crate::dialect::nearest;

/// Finds the names of set variables that are probably misspelt, each with the name that was meant.
/// A name that resembles no known one belongs to the application.
pub fn unknown<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (&'a str, &'static str)> {
    names.into_iter().filter_map(|name| {
        let known = || Settings::variables(false).chain(Settings::variables(true));
        if known().any(|known| known == name) {
            return None;
        }
        Some((name, nearest(name, known())?))
    })
}
