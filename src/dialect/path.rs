//! Paths, such as `$0.offer` or `$members.data.name`: each leads to a value.

use super::limits::PATH_STEPS;
use super::place::nearest;

/// A root, and the steps from it to a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub(super) root: Root,
    pub(super) steps: Vec<Step>,
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `.x`: a field, an element, or a property of a socket or a room.
    Field(String),
    /// `$socket(…)`: the socket with this id or alias. Only this step reads a text as the name of a socket. If
    /// [`Step::Field`] did so too, a client could send a socket's id as `$0`, and `$0.data` would read that socket.
    Socket,
    /// `$room(…)`: the room with this name.
    Room,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// `$0`, `$1`, …: an argument of the event.
    Argument(usize),
    /// All arguments, as a list.
    Arguments,
    /// The event's name.
    Event,
    /// Why the socket disconnected.
    Reason,
    /// The sender's id.
    Id,
    /// The sender's alias.
    Alias,
    /// The room that `in` names, else the room that the sender joined last.
    Room,
    /// The rooms that the sender is in.
    Rooms,
    /// The data of the sender, which `set` stores.
    Data,
    /// The query of the URL that the sender connected with.
    Query,
    /// The `auth` that the sender connected with.
    Auth,
    /// The sockets in the room, in the order in which they joined.
    Members,
    /// The sockets in the room, without the sender.
    Others,
    /// The socket that joined the room first.
    First,
    /// All sockets.
    Everyone,
    /// The names of all rooms.
    AllRooms,
    /// The current item of `each`.
    It,
    /// The deployment's ICE servers.
    Ice,
    /// A random id, which is the same for all actions of one event.
    Uuid,
    /// The time, in milliseconds since 1970.
    Now,
}

/// The names of all roots except single arguments.
pub(super) const ROOTS: [(&str, Root); 19] = [
    ("args", Root::Arguments),
    ("event", Root::Event),
    ("reason", Root::Reason),
    ("id", Root::Id),
    ("alias", Root::Alias),
    ("room", Root::Room),
    ("rooms", Root::Rooms),
    ("data", Root::Data),
    ("query", Root::Query),
    ("auth", Root::Auth),
    ("members", Root::Members),
    ("others", Root::Others),
    ("first", Root::First),
    ("everyone", Root::Everyone),
    ("allRooms", Root::AllRooms),
    ("it", Root::It),
    ("ice", Root::Ice),
    ("uuid", Root::Uuid),
    ("now", Root::Now),
];

/// The fields of `auth` that are secrets: the token, and the fields that recover a lost connection.
const SECRETS: [&str; 3] = ["token", "pid", "offset"];

impl Path {
    /// Whether the path always leads to sockets, and never to a name that a client chose.
    pub(super) fn is_sockets(&self) -> bool {
        let is_of_server = matches!(
            self.root,
            Root::Id | Root::Members | Root::Others | Root::First | Root::Everyone
        );
        let keeps = |step: &Step| match step {
            Step::Field(field) => field == "id" || field.parse::<usize>().is_ok(),
            Step::Socket => true,
            Step::Room => false,
        };
        self.steps.last() == Some(&Step::Socket) || (is_of_server && self.steps.iter().all(keeps))
    }

    /// Reads the text after the dollar sign.
    ///
    /// # Errors
    ///
    /// Why the text is not a path.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.replace("?.", ".").replace('[', ".").replace(']', "");
        let named = [("socket(", Step::Socket), ("room(", Step::Room)];
        let named = named
            .into_iter()
            .find_map(|(begin, step)| Some((text.strip_prefix(begin)?, step)));
        let Some((rest, step)) = named else {
            return Self::plain(&text, "");
        };
        let Some((inner, after)) = rest.split_once(')') else {
            return Err(format!("${text} has no closing )"));
        };
        let mut path = Self::plain(inner.strip_prefix('$').unwrap_or(inner), "")?;
        path.steps.push(step);
        path.steps.extend(Self::plain("id", after)?.steps);
        if path.steps.len() > PATH_STEPS {
            return Err(format!("${text} has more than {PATH_STEPS} steps"));
        }
        Ok(path)
    }

    /// Reads a path without `$socket(…)` and `$room(…)`.
    fn plain(root: &str, steps: &str) -> Result<Self, String> {
        let text = format!("{root}{steps}");
        let mut parts = text.split('.');
        let name = parts.next().unwrap_or_default();
        let steps: Vec<String> = parts
            .map(|step| step.trim_matches(['"', '\'']).to_owned())
            .collect();
        let root = match name.parse() {
            Ok(number @ 0..=9) => Some(Root::Argument(number)),
            _ => ROOTS
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, root)| *root),
        };
        let Some(root) = root else {
            return Err(unknown(name, &steps));
        };
        if steps.iter().any(String::is_empty) {
            return Err(format!(
                "${text} has an empty step: a path is written as $0.offer.type"
            ));
        }
        if steps.len() > PATH_STEPS {
            return Err(format!("${text} has more than {PATH_STEPS} steps"));
        }
        match (root, steps.first().map(String::as_str)) {
            (Root::Query | Root::Auth, None) => Err(format!(
                "${name} is not a value by itself: name a field, such as ${name}.x"
            )),
            (Root::Auth, Some(secret)) if SECRETS.contains(&secret) => Err(format!(
                "$auth.{secret} is a secret of the client and is not passed on"
            )),
            _ => Ok(Self {
                root,
                steps: steps.into_iter().map(Step::Field).collect(),
            }),
        }
    }
}

fn unknown(name: &str, steps: &[String]) -> String {
    if name == "socket" && steps.first().is_some_and(|step| step == "id") {
        return "there is no $socket; did you mean $id?".to_owned();
    }
    if name.is_empty() {
        return "a dollar sign begins a path, such as $0 or $id: write $$ for the sign itself"
            .to_owned();
    }
    if name.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')) {
        let word = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        return format!(
            "${name} is no path: to put a value into a text, write ${{{word}}}; write $$ for the sign itself"
        );
    }
    let names = ROOTS.iter().map(|(name, _)| *name);
    if let Some(near) = nearest(name, names) {
        return format!("there is no ${name}; did you mean ${near}?");
    }
    let mut path = vec!["$0", name];
    path.extend(steps.iter().map(String::as_str));
    format!("there is no ${name}; did you mean {}?", path.join("."))
}
