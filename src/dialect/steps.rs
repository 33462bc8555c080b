//! Reads the steps of an action from JSON.

use super::action::{Arguments, Step, To};
use super::read::{Node, Reader, node};
use super::template::Template;
use crate::socket::{Json, is_reserved};

/// The words that `to` accepts. Any other text is the name of a room or a socket.
pub(super) const RECEIVERS: [(&str, To); 5] = [
    ("sender", To::Sender),
    ("others", To::Others),
    ("all", To::All),
    ("everyone", To::Everyone),
    ("broadcast", To::Broadcast),
];

impl Reader {
    /// Reads the steps of an action, in their order of execution.
    pub(super) fn steps<'a>(
        &mut self,
        place: &str,
        find: &impl Fn(&str) -> Option<(String, &'a Json)>,
        depth: usize,
        steps: &mut Vec<Step>,
    ) {
        if let Some((place, json)) = find("leave") {
            let room = if json.as_str() == "true" {
                self.path(&place, "room").map(Template::Path)
            } else {
                Template::read(self, &place, json)
            };
            steps.extend(room.map(Step::Leave));
        }
        if let Some((place, json)) = find("join") {
            self.names.join = true;
            self.references.define_names(json);
            steps.extend(Template::read(self, &place, json).map(Step::Join));
        }
        if let Some((place, json)) = find("alias") {
            self.references.define_alias(json);
            steps.extend(Template::read(self, &place, json).map(Step::Alias));
        }
        if let Some((place, json)) = find("set") {
            steps.extend(self.set(&place, json).map(Step::Set));
        }
        if let Some((place, json)) = find("emit") {
            steps.extend(self.emit(&place, json, find));
            self.check_order(find);
        } else {
            for name in ["to", "args", "volatile"] {
                if let Some((place, _)) = find(name) {
                    self.error(&place, format!("{name} belongs to emit"));
                }
            }
        }
        if let Some((place, json)) = find("ack") {
            if matches!(self.happening.as_str(), "connect" | "disconnect") {
                self.error(&place, "only events are acknowledged");
            }
            steps.extend(self.arguments(&place, json).map(Step::Ack));
        }
        if let Some((place, json)) = find("do") {
            steps.push(Step::Do(self.actions(&place, json, depth)));
        }
        if let Some((place, json)) = find("refuse") {
            if self.happening != "connect" {
                self.error(&place, "refuse works only in on.connect");
            }
            let data = find("data").and_then(|(place, json)| Template::read(self, &place, json));
            let message = Template::read(self, &place, json);
            steps.extend(message.map(|message| Step::Refuse(message, data)));
        } else if let Some((place, _)) = find("data") {
            self.error(&place, "data belongs to refuse");
        }
        if let Some((place, json)) = find("stop") {
            match json.as_str() {
                "true" => steps.push(Step::Stop),
                _ => self.error(&place, "stop is true, or it is left out"),
            }
        }
        if steps.iter().any(|step| matches!(step, Step::Stop))
            && steps.iter().any(|step| matches!(step, Step::Refuse(..)))
        {
            self.error(
                &format!("{place}.stop"),
                "refuse already stops: remove stop",
            );
        }
    }

    /// Reports an `emit` to a room that the same action has already left.
    fn check_order<'a>(&mut self, find: &impl Fn(&str) -> Option<(String, &'a Json)>) {
        let text = |key: &str| Some(find(key)?.1.as_str());
        let leaves_own = matches!(text("leave"), Some("true" | "\"$room\"" | "\"$rooms\""));
        let (Some((place, to)), true) = (find("to"), leaves_own) else {
            return;
        };
        let is_for_room = matches!(to.text().as_deref(), Some("others" | "all"));
        if is_for_room && find("join").is_none() && find("in").is_none() {
            let message = "leave runs before emit, so the members of the room that was left do not get \
                this event: emit it in an earlier action";
            self.error(&place, message);
        }
    }

    fn emit<'a>(
        &mut self,
        place: &str,
        json: &Json,
        find: &impl Fn(&str) -> Option<(String, &'a Json)>,
    ) -> Option<Step> {
        let Some(name) = json.text() else {
            self.error(
                place,
                "emit takes the event's name, a text; args has its arguments",
            );
            return None;
        };
        if is_reserved(&name) {
            self.error(
                place,
                format!("{name:?} cannot be sent: its name is reserved"),
            );
            return None;
        }
        let name = Template::read(self, place, json)?;
        let to = match find("to") {
            None => Some(To::Sender),
            Some((place, json)) => self.to(&place, json),
        };
        let args = match find("args") {
            None => Some(Arguments::List(Vec::new())),
            Some((place, json)) => self.arguments(&place, json),
        };
        let volatile = match find("volatile") {
            None => false,
            Some((place, json)) => {
                if !matches!(json.as_str(), "true" | "false") {
                    self.error(&place, "volatile is true or false");
                }
                json.as_str() == "true"
            }
        };
        Some(Step::Emit {
            name,
            to: to?,
            args: args?,
            volatile,
        })
    }

    fn to(&mut self, place: &str, json: &Json) -> Option<To> {
        match node(json) {
            Node::Text(text) => {
                if let Some((_, to)) = RECEIVERS.iter().find(|(word, _)| *word == text) {
                    return Some(to.clone());
                }
                if !text.contains('$') {
                    self.references.use_name(place, text);
                }
                self.named(place, json)
            }
            Node::List(_) => self.named(place, json),
            Node::Object(fields) => match <[_; 1]>::try_from(fields) {
                Ok([(name, json)]) if name == "room" => {
                    Template::read(self, place, &json).map(To::Room)
                }
                Ok([(name, json)]) if name == "peer" => {
                    Template::read(self, place, &json).map(To::Peer)
                }
                _ => {
                    self.error(
                        place,
                        "an object here must be {\"room\": …} or {\"peer\": …}",
                    );
                    None
                }
            },
            Node::Other => {
                self.error(
                    place,
                    "to takes a text: sender, others, all, everyone, broadcast, or a value",
                );
                None
            }
        }
    }

    fn named(&mut self, place: &str, json: &Json) -> Option<To> {
        let name = Template::read(self, place, json)?;
        let is_sockets = matches!(&name, Template::Path(path) if path.is_sockets());
        self.names.mix |= !is_sockets;
        Some(To::Named(name))
    }

    fn arguments(&mut self, place: &str, json: &Json) -> Option<Arguments> {
        if json.text().as_deref() == Some("$args") {
            return Some(Arguments::Same);
        }
        let templates = match node(json) {
            Node::List(items) => self.templates(place, &items)?,
            // A single argument may stand without a list.
            _ => vec![Template::read(self, place, json)?],
        };
        Some(Arguments::List(templates))
    }

    /// Reads the templates of a list.
    pub(super) fn templates(&mut self, place: &str, items: &[Json]) -> Option<Vec<Template>> {
        let mut templates = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            templates.push(Template::read(self, &format!("{place}[{at}]"), item)?);
        }
        Some(templates)
    }

    fn set(&mut self, place: &str, json: &Json) -> Option<Template> {
        match node(json) {
            Node::Object(fields) => {
                for (name, _) in fields {
                    if name == "..." {
                        self.references.define_client_fields();
                    } else {
                        self.references.define_field(name);
                    }
                }
            }
            // The client's object, with any fields.
            Node::Text(text) if text.starts_with('$') => self.references.define_client_fields(),
            _ => {
                self.error(place, "set takes an object: {\"name\": \"$0.name\"}");
                return None;
            }
        }
        Template::read(self, place, json)
    }
}
