//! Where rooms are.

/// Where the platform makes the objects of rooms, and keeps what they store. An object stays where it
/// was made. In another jurisdiction a room's name stands for another object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The part of the world in which new objects are made, if the platform can; `None` is near
    /// whoever comes first.
    pub location: Option<&'static str>,
    /// The jurisdiction that no object leaves; `None` is any.
    pub jurisdiction: Option<&'static str>,
}

impl Place {
    pub(super) const LOCATIONS: [&str; 11] = [
        "wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me",
    ];
    pub(super) const LOCATION_FORM: &str = "wnam, enam, sam, weur, eeur, apac, apac-ne, apac-se, oc, \
        afr or me, or nothing: near whoever comes first";
    pub(super) const JURISDICTIONS: [&str; 4] = ["eu", "us", "fedramp", "fedramp-high"];
    pub(super) const JURISDICTION_FORM: &str = "eu, us, fedramp or fedramp-high, or nothing: any";
}

/// The one of these that a text names; `None` if it names nothing.
pub(super) fn find(names: &[&'static str], text: &str) -> Result<Option<&'static str>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let name = names.iter().find(|name| **name == text);
    name.map(|name| Some(*name))
        .ok_or_else(|| format!("it is {text:?}"))
}
