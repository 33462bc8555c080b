//! Checks references: a table must define the names that its actions use.

use super::place::{TableError, did_you_mean, nearest};
use super::read::{Node, node};
use super::steps::RECEIVERS;
use crate::socket::Json;

/// The names that a table defines, and the places where it uses them.
#[derive(Default)]
pub(super) struct References {
    /// The fields that `set` names.
    fields: Vec<String>,
    /// `set` stores an object of the client, whose fields are unknown.
    has_client_fields: bool,
    /// The places and first steps of the paths into `$data`.
    used_fields: Vec<(String, String)>,
    has_alias: bool,
    /// The places of `$alias`.
    used_aliases: Vec<String>,
    /// The names of rooms and sockets that are written in `join` and `alias`.
    names: Vec<String>,
    /// `join` or `alias` takes a name from a value, which is unknown.
    has_client_names: bool,
    /// The places and names that are written in `to`.
    used_names: Vec<(String, String)>,
}

impl References {
    pub(super) fn define_field(&mut self, name: String) {
        self.fields.push(name);
    }

    pub(super) fn define_client_fields(&mut self) {
        self.has_client_fields = true;
    }

    pub(super) fn use_field(&mut self, place: &str, name: &str) {
        self.used_fields.push((place.to_owned(), name.to_owned()));
    }

    /// Defines `$alias`, and the names that `alias` gives.
    pub(super) fn define_alias(&mut self, json: &Json) {
        self.has_alias = true;
        self.define_names(json);
    }

    pub(super) fn use_alias(&mut self, place: &str) {
        self.used_aliases.push(place.to_owned());
    }

    /// Defines the names that `join` or `alias` gives.
    pub(super) fn define_names(&mut self, json: &Json) {
        match node(json) {
            Node::Text(name) if !name.contains('$') => self.names.push(name),
            Node::List(items) => items.iter().for_each(|item| self.define_names(item)),
            Node::Other => self.names.push(json.as_str().to_owned()),
            Node::Text(_) | Node::Object(_) => self.has_client_names = true,
        }
    }

    pub(super) fn use_name(&mut self, place: &str, name: String) {
        self.used_names.push((place.to_owned(), name));
    }

    /// Returns an error for each name that is used but not defined.
    pub(super) fn errors(&self) -> Vec<TableError> {
        let fields = self.used_fields.iter().filter_map(|(place, name)| {
            let message = self.undefined_field(name)?;
            Some(error(place, message))
        });
        let aliases = self.used_aliases.iter().filter(|_| !self.has_alias);
        let aliases = aliases.map(|place| {
            let message = "no action sets an alias: add one such as {\"alias\": \"$0\"}";
            error(place, message.to_owned())
        });
        let names = self.used_names.iter().filter_map(|(place, name)| {
            let message = self.undefined_name(name)?;
            Some(error(place, message))
        });
        fields.chain(aliases).chain(names).collect()
    }

    fn undefined_field(&self, name: &String) -> Option<String> {
        if self.has_client_fields || self.fields.contains(name) {
            return None;
        }
        let hint = match nearest(name, self.fields.iter().map(String::as_str)) {
            Some(near) => format!("$data.{near}"),
            None => format!("$0.{name}"),
        };
        Some(format!("no action sets $data.{name}; did you mean {hint}?"))
    }

    fn undefined_name(&self, name: &String) -> Option<String> {
        if self.names.contains(name) {
            return None;
        }
        let hint = did_you_mean(name, RECEIVERS.iter().map(|(word, _)| *word));
        if self.has_client_names && !name.is_empty() {
            if hint.is_empty() {
                return None; // a client may choose this name for a room or for itself
            }
            let way = format!("if a room has this name, write {{\"room\": {name:?}}}");
            return Some(format!(
                "\"to\" does not know the word {name:?}{hint} Or, {way}"
            ));
        }
        if hint.is_empty() && !name.is_empty() {
            return Some(format!(
                "nobody joins a room named {name:?}; did you mean \"$0.{name}\"?"
            ));
        }
        Some(format!("nobody joins a room named {name:?}{hint}"))
    }
}

fn error(place: &str, message: String) -> TableError {
    TableError {
        place: place.to_owned(),
        message,
    }
}
