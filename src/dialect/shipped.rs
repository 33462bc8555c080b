//! Shipped dialects, and the dialects that a deployment adds.

use super::place::did_you_mean;
use super::read::{Node, node};
use super::table::Table;
use crate::map::Set;
use crate::socket::Json;

/// The value of `?dialect=` that selects the native room, for deployments that set `DIALECT`.
pub const NATIVE: &str = "room";

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// The names and tables of the shipped dialects, in alphabetical order.
        pub const SHIPPED: [(&str, &str); [$($name),*].len()] =
            [$(($name, include_str!(concat!("../../dialects/", $name, ".json")))),*];
    };
}

shipped![
    "anoek",
    "chaim-group-video",
    "chaim-native-webrtc",
    "chaim-video-chat",
    "codelab",
    "csagar131",
    "javascript-mastery",
    "miczeq22",
    "mirotalk",
    "nextjs",
    "noom",
    "pfertyk",
    "piyush-garg",
    "simplewebrtc",
    "video-meeting",
    "voice-call",
    "web-dev-simplified",
];

/// The dialects of a deployment.
#[derive(Clone, Debug, Default)]
pub struct Dialects {
    /// The names and tables that the deployment adds, as JSON. They are valid if
    /// [`set_own`](Self::set_own) returned no error.
    own: Vec<(String, String)>,
    /// The dialect of URLs that name no dialect, and no room in the path.
    default: Option<String>,
}

/// The longest name of a dialect, in bytes.
const NAME_BYTES: usize = 64;

impl Dialects {
    /// The form of `DIALECTS`, for error messages.
    pub const FORM: &str = r#"tables in JSON, by their names: {"mine": {"on": {…}}}"#;

    /// The form of `DIALECT`, for error messages.
    pub const NAME_FORM: &str =
        "the name of a dialect, such as codelab, or empty for the native room";

    /// Reads the tables of a deployment.
    ///
    /// # Errors
    ///
    /// All errors in them.
    pub fn set_own(&mut self, json: &str) -> Result<(), String> {
        let json = json.trim();
        self.own.clear();
        if json.is_empty() {
            return Ok(());
        }
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(json) {
            return Err(format!("it is not JSON: {error}"));
        }
        let Node::Object(tables) = node(&Json::unread(json)) else {
            return Err("it is no object of tables".to_owned());
        };
        let mut wrong = Vec::new();
        for (name, table) in tables {
            if !is_name(&name) || name == NATIVE {
                wrong.push(format!(
                    "{name:?} cannot be a dialect's name: take letters, digits and . _ - , and not {NATIVE:?}"
                ));
            }
            if self.own.iter().any(|(known, _)| *known == name) {
                wrong.push(format!("{name} stands here twice"));
            }
            let table = table.as_str().to_owned();
            if let Err(errors) = Table::parse(&table) {
                wrong.extend(errors.iter().map(|error| format!("{name}: {error}")));
            }
            self.own.push((name, table));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("; "))
        }
    }

    /// Sets the dialect of URLs that name no dialect, and no room in the path.
    pub fn set_default(&mut self, name: &str) {
        let name = name.trim();
        self.default = (!name.is_empty() && name != NATIVE).then(|| name.to_owned());
    }

    /// The dialect of URLs that name no dialect, and no room in the path; `None` if that is the native room.
    #[must_use]
    pub fn default_name(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// Whether the default exists.
    ///
    /// # Errors
    ///
    /// The message, which names the dialect.
    pub fn check_default(&self) -> Result<(), String> {
        match &self.default {
            Some(name) if self.source(name).is_none() => Err(self.unknown(name)),
            _ => Ok(()),
        }
    }

    /// The table with this name, as JSON. A deployment's table takes precedence over a shipped one.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&str> {
        let own = self
            .own
            .iter()
            .map(|(name, table)| (name.as_str(), table.as_str()));
        let (_, table) = own.chain(SHIPPED).find(|(known, _)| *known == name)?;
        Some(table)
    }

    /// The table with this name; `None` if it does not exist.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<Table> {
        Table::parse(self.source(name)?).ok()
    }

    /// The error message for a dialect that does not exist.
    #[must_use]
    pub fn unknown(&self, name: &str) -> String {
        let names: Vec<&str> = Set::from_iter(self.names()).into_sorted().collect();
        let hint = did_you_mean(name, names.iter().copied());
        let end = if hint.is_empty() { "." } else { &hint };
        let shown: String = name.chars().take(NAME_BYTES).collect();
        format!(
            "there is no dialect {shown:?}{end} There are: {}",
            names.join(", ")
        )
    }

    /// The names of all dialects.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let own = self.own.iter().map(|(name, _)| name.as_str());
        own.chain(SHIPPED.iter().map(|(name, _)| *name)).collect()
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(is_allowed)
}
