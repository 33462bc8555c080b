//! A naive interpreter of tables. It works on parsed values. Of the limits, it applies only those of actions,
//! lists, names and data.

mod conditions;
mod receivers;
mod sockets;
mod values;

use serde_json::{Value, json};

pub use sockets::Model;
use values::{Item, items, name};

/// What happened to a socket.
pub enum What {
    Connect,
    Event {
        name: String,
        args: Vec<Value>,
        wants_ack: bool,
    },
    Disconnect(&'static str),
}

/// How a run ended.
pub enum End {
    Done,
    Refused(String, Option<Value>),
}

/// Why a run stops early.
#[derive(Debug)]
enum Halt {
    Stop,
    Refuse(String, Option<Value>),
    Error(&'static str),
    /// The real interpreter may have reached a limit.
    Unknown,
}

/// The real interpreter may have reached a limit, so the model does not know the result.
pub struct Unknown;

/// The room of an action.
enum Chosen {
    /// The action has no `in`: the last room that the socket joined.
    Own,
    /// The room that `in` names.
    Room(String),
    /// The value of `in` is no name.
    Missing,
}

/// A run of the actions for what happened to one socket.
struct Run<'a> {
    model: &'a mut Model,
    /// The socket.
    from: String,
    what: What,
    room: Chosen,
    /// The value of `$it`.
    it: Item,
    /// The number of actions so far.
    actions: usize,
    /// The bytes of new values so far.
    written: usize,
    /// The events to send when the run has ended, each with its receivers.
    sent: Vec<(Vec<String>, Value)>,
    /// The arguments of the ack.
    reply: Option<Value>,
    /// Whether a `to` named no socket.
    missed: bool,
}

impl Model {
    /// Runs the actions that the table has for what happened to this socket.
    pub fn run(&mut self, id: &str, what: What) -> Result<End, Unknown> {
        let on = &self.table["on"];
        let actions = match &what {
            What::Connect => on.get("connect").cloned().or(Some(json!([]))),
            What::Disconnect(_) => on.get("disconnect").cloned().or(Some(json!([]))),
            What::Event { name, .. } => on.get(name).or(on.get("*")).cloned(),
        };
        let mut run = Run {
            model: self,
            from: id.to_owned(),
            what,
            room: Chosen::Own,
            it: Item::Nothing,
            actions: 0,
            written: 0,
            sent: Vec::new(),
            reply: None,
            missed: false,
        };
        let halt = match actions {
            Some(actions) => run.actions(&actions),
            None => Err(Halt::Error("unsupported")),
        };
        let Run {
            what,
            sent,
            reply,
            missed,
            ..
        } = run;
        let is_unknown_peer = missed && reply.is_none();
        let code = match halt {
            Err(Halt::Unknown) => return Err(Unknown),
            Err(Halt::Refuse(message, data)) => return Ok(End::Refused(message, data)),
            Err(Halt::Error(code)) => Some(code),
            Ok(()) | Err(Halt::Stop) => is_unknown_peer.then_some("unknown-peer"),
        };
        for (to, event) in sent {
            for socket in &mut self.sockets {
                if to.contains(&socket.id) {
                    socket.due.push(event.clone());
                }
            }
        }
        if matches!(what, What::Disconnect(_)) {
            return Ok(End::Done);
        }
        let due = &mut self.socket_mut(id).due;
        due.extend(code.map(|code| json!(["room:error", code])));
        if let What::Event {
            wants_ack: true, ..
        } = what
        {
            due.extend(reply.map(|reply| json!({"ack": reply})));
        }
        Ok(End::Done)
    }
}

impl Run<'_> {
    fn actions(&mut self, actions: &Value) -> Result<(), Halt> {
        for action in actions.as_array().unwrap() {
            let Some(list) = action.get("each") else {
                self.chosen(action)?;
                continue;
            };
            let room = action.get("in").filter(|room| !uses_it(room));
            let list = self.within(room, |run| {
                let list = run.item(list)?;
                items(list)
            })?;
            let before = std::mem::replace(&mut self.it, Item::Nothing);
            for item in list {
                self.it = item;
                self.chosen(action)?;
            }
            self.it = before;
        }
        Ok(())
    }

    fn within<T>(
        &mut self,
        room: Option<&Value>,
        work: impl FnOnce(&mut Self) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        let Some(room) = room else {
            return work(self);
        };
        let room = self.name(room)?.map_or(Chosen::Missing, Chosen::Room);
        let before = std::mem::replace(&mut self.room, room);
        let done = work(self)?;
        self.room = before;
        Ok(done)
    }

    fn chosen(&mut self, action: &Value) -> Result<(), Halt> {
        self.actions += 1;
        if self.actions > 256 {
            return Err(Halt::Error("too-large"));
        }
        self.within(action.get("in"), |run| run.action(action))
    }

    fn action(&mut self, action: &Value) -> Result<(), Halt> {
        if let Some(when) = action.get("when")
            && !self.holds(when)?
        {
            return match action.get("else") {
                Some(actions) => self.actions(actions),
                None => Ok(()),
            };
        }
        if action.get("in").is_some() && matches!(self.room, Chosen::Missing) {
            return Err(Halt::Error("bad-payload"));
        }
        let from = self.from.clone();
        if let Some(rooms) = action.get("leave") {
            let rooms = if *rooms == json!(true) {
                self.path("room")
            } else {
                self.item(rooms)?
            };
            for room in items(rooms)?.iter().filter_map(name) {
                self.model.leave(&from, &room);
            }
        }
        if let Some(rooms) = action.get("join") {
            let rooms = self.item(rooms)?;
            let rooms = items(rooms)?;
            if rooms.is_empty() {
                return Err(Halt::Error("bad-payload"));
            }
            for room in rooms {
                let room = name(&room).ok_or(Halt::Error("bad-payload"))?;
                self.model.join(&from, &room)?;
            }
        }
        if let Some(alias) = action.get("alias") {
            let alias = self.name(alias)?.ok_or(Halt::Error("bad-payload"))?;
            self.model.take_alias(&from, &alias)?;
        }
        if let Some(fields) = action.get("set") {
            let fields = self.json(fields)?.ok_or(Halt::Error("bad-payload"))?;
            self.model.set(&from, &fields)?;
        }
        if let Some(event) = action.get("emit") {
            let event = self.name(event)?.ok_or(Halt::Error("bad-payload"))?;
            if event.len() > 256 {
                return Err(Halt::Error("bad-payload"));
            }
            let to = self.receivers(action.get("to").unwrap_or(&json!("sender")))?;
            if !to.is_empty() {
                let mut event = vec![json!(event)];
                event.extend(self.arguments(action.get("args").unwrap_or(&json!([])))?);
                self.sent.push((to, Value::Array(event)));
            }
        }
        if let Some(args) = action.get("ack") {
            let args = Value::Array(self.arguments(args)?);
            self.reply.get_or_insert(args);
        }
        if let Some(actions) = action.get("do") {
            self.actions(actions)?;
        }
        if let Some(message) = action.get("refuse") {
            let data = match action.get("data") {
                Some(data) => self.json(data)?,
                None => None,
            };
            return Err(Halt::Refuse(self.name(message)?.unwrap_or_default(), data));
        }
        if action.get("stop").is_some() {
            return Err(Halt::Stop);
        }
        Ok(())
    }

    fn arguments(&mut self, args: &Value) -> Result<Vec<Value>, Halt> {
        let one = [args.clone()];
        let templates = match (args, &self.what) {
            (Value::String(text), What::Event { args, .. }) if text == "$args" => {
                return Ok(args.clone());
            }
            (Value::String(text), _) if text == "$args" => return Ok(Vec::new()),
            (Value::Array(items), _) => items.as_slice(),
            _ => &one,
        };
        let mut values = Vec::new();
        for template in templates {
            values.push(self.json(template)?.unwrap_or_default());
        }
        Ok(values)
    }
}

/// Whether the name of a room is taken from the item of `each`.
fn uses_it(room: &Value) -> bool {
    let text = room.as_str().unwrap_or_default();
    text == "$it" || text.starts_with("$it.") || text.contains("(it") || text.contains("{it")
}
