//! Where the platform places rooms.

/// Where the platform makes a room's object, and stores its data. An object never moves. In another
/// jurisdiction the same room name stands for another object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The region in which new objects are made, if the platform can; `None` means near the first
    /// client.
    pub location: Option<&'static str>,
    /// The jurisdiction that objects never leave; `None` means any.
    pub jurisdiction: Option<&'static str>,
}

impl Place {
    pub(super) const LOCATIONS: [&str; 11] = [
        "wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me",
    ];
    pub(super) const LOCATION_FORM: &str = "wnam, enam, sam, weur, eeur, apac, apac-ne, apac-se, oc, \
        afr or me, or nothing: near the first client";
    pub(super) const JURISDICTIONS: [&str; 4] = ["eu", "us", "fedramp", "fedramp-high"];
    pub(super) const JURISDICTION_FORM: &str = "eu, us, fedramp or fedramp-high, or nothing: any";
}

/// The entry of `names` that the text names; `None` for an empty text.
pub(super) fn find(names: &[&'static str], text: &str) -> Result<Option<&'static str>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let name = names.iter().find(|name| **name == text);
    name.map(|name| Some(*name))
        .ok_or_else(|| format!("it is {text:?}"))
}
