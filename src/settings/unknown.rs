//! Variables that nothing reads: mostly another one was meant.

use super::Settings;
use crate::dialect::nearest;

/// What is probably misspelt of the names of all variables that are set, each with the name that was
/// meant. A name that is like none of Signalbox's is the application's own.
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
