//! Reads a table from JSON. An error names its place and, if possible, the known word that was meant.

use std::ops::Range;

use super::action::Action;
use super::condition::Condition;
use super::limits::{TABLE_ACTIONS, TABLE_BYTES, TABLE_DEPTH};
use super::path::{Path, Root, Step};
use super::place::{TableError, did_you_mean};
use super::references::References;
use super::table::{Names, Table, Uses};
use super::template::Template;
use crate::map::Map;
use crate::socket::{Json, Namespace, is_reserved};

/// The keys of a table.
pub const TABLE_KEYS: [&str; 4] = ["$schema", "about", "namespace", "on"];

/// The keys of an action.
pub const ACTION_KEYS: [&str; 18] = [
    "when", "else", "each", "in", "leave", "join", "alias", "set", "emit", "to", "args",
    "volatile", "ack", "do", "refuse", "data", "stop", "about",
];

/// Every action has at least one of these keys.
const VERBS: [&str; 10] = [
    "join", "leave", "alias", "set", "emit", "ack", "do", "else", "refuse", "stop",
];

/// The keys of a condition.
pub const CONDITION_KEYS: [&str; 10] = [
    "has", "equal", "members", "count", "of", "in", "online", "not", "all", "any",
];

/// A JSON value, one level deep.
pub(super) enum Node {
    Text(String),
    List(Vec<Json>),
    /// The fields in their order, including repeated ones.
    Object(Vec<(String, Json)>),
    /// A number, `true`, `false` or `null`.
    Other,
}

pub(super) fn node(json: &Json) -> Node {
    if let Some(text) = json.text() {
        return Node::Text(text);
    }
    if let Some(elements) = json.elements() {
        return Node::List(elements);
    }
    let scan = json.scan();
    let Some(fields) = scan.as_ref().and_then(|scan| scan.fields.as_ref()) else {
        return Node::Other;
    };
    let field = |(name, value): &(Range<usize>, Range<usize>)| {
        let name = json.part(name.clone()).text().unwrap_or_default();
        (name, json.part(value.clone()))
    };
    Node::Object(fields.iter().map(field).collect())
}

/// Reads a table and collects its errors.
#[derive(Default)]
pub(super) struct Reader {
    errors: Vec<TableError>,
    actions: usize,
    /// The name of the current event.
    pub(super) happening: String,
    pub(super) references: References,
    pub(super) names: Names,
    uses: Uses,
}

pub(super) fn table(text: &str) -> Result<Table, Vec<TableError>> {
    let mut reader = Reader::default();
    let table = reader.table(text);
    reader.errors.extend(reader.references.errors());
    match table {
        Some(table) if reader.errors.is_empty() => Ok(table),
        _ => Err(reader.errors),
    }
}

impl Reader {
    pub(super) fn error(&mut self, place: &str, message: impl Into<String>) {
        self.errors.push(TableError {
            place: place.to_owned(),
            message: message.into(),
        });
    }

    /// Reports repeated keys: only one of them would have an effect.
    pub(super) fn check_keys(&mut self, place: &str, fields: &[(String, Json)]) {
        for (at, (name, _)) in fields.iter().enumerate() {
            if fields.iter().take(at).any(|(known, _)| known == name) {
                let dot = if place.is_empty() { "" } else { "." };
                self.error(&format!("{place}{dot}{name}"), "this key stands here twice");
            }
        }
    }

    /// Reports a constant where only a value that may change is useful.
    pub(super) fn check_varies(&mut self, place: &str, is_constant: bool) {
        if is_constant {
            let message = "this never changes: use a value that begins with $, such as \"$0.room\"";
            self.error(place, message);
        }
    }

    /// Reports a part of a table that is nested too deeply.
    pub(super) fn is_too_deep(&mut self, place: &str, depth: usize) -> bool {
        let is_too_deep = depth > TABLE_DEPTH;
        if is_too_deep {
            let message = format!("this is nested deeper than {TABLE_DEPTH} levels");
            self.error(place, message);
        }
        is_too_deep
    }

    /// Reports an unknown key.
    pub(super) fn unknown(&mut self, place: &str, name: &str, of: &str, known: &[&str]) {
        let hint = did_you_mean(name, known.iter().copied());
        let hint = if hint.is_empty() {
            format!(": there are {}", known.join(", "))
        } else {
            hint
        };
        self.error(place, format!("{of} has no {name:?}{hint}"));
    }

    fn table(&mut self, text: &str) -> Option<Table> {
        if text.len() > TABLE_BYTES {
            self.error("", format!("a table has at most {TABLE_BYTES} bytes"));
            return None;
        }
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
            self.error("", format!("this is not JSON: {error}"));
            return None;
        }
        let Node::Object(fields) = node(&Json::unread(text.trim())) else {
            self.error(
                "",
                "a table is an object: {\"on\": {\"<event>\": [<actions>]}}",
            );
            return None;
        };
        self.check_keys("", &fields);
        let mut table = Table::default();
        let mut has_events = false;
        for (name, json) in &fields {
            match name.as_str() {
                "$schema" => drop(self.text(name, json)),
                "about" => table.about = self.text(name, json),
                "namespace" => {
                    let namespace = json.text().and_then(|name| Namespace::parse(&name));
                    match namespace {
                        Some(namespace) => table.namespace = namespace,
                        None => {
                            self.error("namespace", "a namespace begins with / and has no comma");
                        }
                    }
                }
                "on" => {
                    has_events = true;
                    self.events(json, &mut table);
                }
                _ => self.unknown(name, name, "a table", &TABLE_KEYS),
            }
        }
        if !has_events && self.errors.is_empty() {
            self.error(
                "",
                "a table needs \"on\": an object with a list of actions for each event",
            );
        }
        table.uses = self.uses;
        table.names = self.names;
        Some(table)
    }

    /// Reads a text.
    fn text(&mut self, place: &str, json: &Json) -> String {
        json.text().unwrap_or_else(|| {
            self.error(place, "this must be a text");
            String::new()
        })
    }

    fn events(&mut self, json: &Json, table: &mut Table) {
        let Node::Object(fields) = node(json) else {
            self.error(
                "on",
                "this must be an object with a list of actions for each event",
            );
            return;
        };
        let mut events: Map<String, Vec<Action>> = Map::default();
        let happening = |name: &str| match name {
            "connection" => "connect".to_owned(),
            "disconnecting" => "disconnect".to_owned(),
            name => name.to_owned(),
        };
        for (at, (name, json)) in fields.iter().enumerate() {
            let place = format!("on.{name}");
            let mut before = fields.iter().take(at);
            if let Some((known, _)) = before.find(|(known, _)| happening(known) == happening(name))
            {
                let message = if known == name {
                    "this event stands here twice: put all actions in one list".to_owned()
                } else {
                    format!("this is the same as on.{known}: put all actions in one list")
                };
                self.error(&place, message);
                continue;
            }
            let actions = |reader: &mut Self, happening: &str| {
                happening.clone_into(&mut reader.happening);
                reader.actions(&place, json, 0)
            };
            match name.as_str() {
                "connect" | "connection" => table.connect = actions(self, "connect"),
                "disconnect" | "disconnecting" => table.disconnect = actions(self, "disconnect"),
                "*" => table.any = Some(actions(self, "*")),
                _ if is_reserved(name) => {
                    self.error(
                        &place,
                        "no client can send this event: its name is reserved",
                    );
                }
                _ => {
                    let actions = actions(self, name);
                    events.insert(name.clone(), actions);
                }
            }
        }
        table.events = events;
    }

    pub(super) fn actions(&mut self, place: &str, json: &Json, depth: usize) -> Vec<Action> {
        if self.is_too_deep(place, depth) {
            return Vec::new();
        }
        match node(json) {
            Node::List(items) => {
                let mut actions = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    actions.extend(self.action(&format!("{place}[{at}]"), item, depth));
                }
                actions
            }
            // A single action may stand without a list.
            Node::Object(_) => self.action(place, json, depth).into_iter().collect(),
            Node::Text(_) | Node::Other => {
                self.error(
                    place,
                    "this must be a list of actions, such as [{\"join\": \"$0\"}]",
                );
                Vec::new()
            }
        }
    }

    fn action(&mut self, place: &str, json: &Json, depth: usize) -> Option<Action> {
        let Node::Object(fields) = node(json) else {
            self.error(place, "an action is an object, such as {\"join\": \"$0\"}");
            return None;
        };
        self.actions = self.actions.saturating_add(1);
        if self.actions == TABLE_ACTIONS.saturating_add(1) {
            self.error(
                place,
                format!("a table has at most {TABLE_ACTIONS} actions"),
            );
        }
        self.check_keys(place, &fields);
        for (name, _) in &fields {
            if !ACTION_KEYS.contains(&name.as_str()) {
                self.unknown(&format!("{place}.{name}"), name, "an action", &ACTION_KEYS);
            }
        }
        let find = |wanted: &str| {
            let mut fields = fields.iter();
            let (_, json) = fields.find(|(name, _)| name == wanted)?;
            Some((format!("{place}.{wanted}"), json))
        };
        let next = depth.saturating_add(1);
        let mut action = Action::default();
        if let Some((place, json)) = find("about") {
            self.text(&place, json);
        }
        if let Some((place, json)) = find("when") {
            action.when = Condition::read(self, &place, json);
        }
        if let Some((place, json)) = find("else") {
            if action.when.is_none() && find("when").is_none() {
                self.error(&place, "\"else\" needs \"when\"");
            }
            action.otherwise = self.actions(&place, json, next);
        }
        if let Some((place, json)) = find("each") {
            action.each = Template::read(self, &place, json);
            let is_literal = matches!(action.each, Some(Template::Literal(_)));
            self.check_varies(&place, is_literal);
        }
        if let Some((place, json)) = find("in") {
            action.room = Template::read(self, &place, json);
        }
        self.steps(place, &find, next, &mut action.steps);
        let mut names = fields.iter().map(|(name, _)| name.as_str());
        if !names.any(|name| VERBS.contains(&name) || !ACTION_KEYS.contains(&name)) {
            self.error(
                place,
                format!(
                    "this does nothing: an action has one of {}",
                    VERBS.join(", ")
                ),
            );
        }
        Some(action)
    }

    /// Reads the text after a dollar sign.
    pub(super) fn path(&mut self, place: &str, text: &str) -> Option<Path> {
        let path = Path::parse(text)
            .map_err(|message| self.error(place, message))
            .ok()?;
        let in_event = !matches!(self.happening.as_str(), "connect" | "disconnect");
        match path.root {
            Root::Argument(_) | Root::Arguments if !in_event => {
                let message = format!(
                    "{} has no arguments: ${text} has no value here",
                    self.happening
                );
                self.error(place, message);
            }
            Root::Reason if self.happening != "disconnect" => {
                self.error(place, "$reason has a value only in on.disconnect");
            }
            Root::Query => self.uses.query = true,
            Root::Auth => self.uses.auth = true,
            Root::Alias => self.references.use_alias(place),
            Root::Data => {
                if let Some(Step::Field(first)) = path.steps.first() {
                    self.references.use_field(place, first);
                }
            }
            _ => {}
        }
        Some(path)
    }
}
