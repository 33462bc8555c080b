//! A table with one action for each kind, beside a naive model: who is in which room, who hears what, and
//! in which order, whenever memory is lost.

use serde_json::{Value, json};

use super::bytes::Bytes;
use crate::dialect_client::{Client, Place, place};

/// Each event does one thing. What the model does for it stands in [`Model::expect`].
const TABLE: &str = r#"{"on": {
  "join": [{"join": "$0"}],
  "leave": [{"leave": "$0"}],
  "name": [{"when": {"online": "$0"}, "else": [{"alias": "$0"}]}],
  "set": [{"set": {"x": "$0"}}],
  "others": [{"emit": "heard", "to": "others", "args": ["$0", "$id"]}],
  "all": [{"emit": "heard", "to": "all", "args": ["$0", "$id"]}],
  "everyone": [{"emit": "heard", "to": "everyone", "args": ["$0", "$id"]}],
  "broadcast": [{"emit": "heard", "to": "broadcast", "args": ["$0", "$id"]}],
  "to": [{"when": {"any": [{"online": "$0"}, {"members": ">= 1", "of": "$0"}]}, "emit": "heard", "to": "$0", "args": ["$0", "$id"]}],
  "in": [{"when": "$0", "in": "$0", "emit": "heard", "to": "others", "args": ["$members", "$others", "$first"]}],
  "list": [{"emit": "heard", "args": ["$rooms", "$members", {"$each": "$everyone", "$key": "$it", "$value": "$it.data"}]}],
  "each": [{"each": "$members", "emit": "heard", "to": "$it", "args": ["$it.alias"]}],
  "many": [{"when": {"members": ">= 2"}, "emit": "heard", "args": [true], "else": [{"emit": "heard", "args": [false]}]}],
  "disconnect": [{"each": "$rooms", "in": "$it", "emit": "left", "to": "others", "args": ["$it", "$id", "$members"]}]
}}"#;

const ROOMS: [&str; 3] = ["r", "s", "t"];
const NAMES: [&str; 3] = ["ann", "bob", "cat"];

struct Member {
    client: Client,
    rooms: Vec<String>,
    alias: Option<String>,
    data: Option<Value>,
    /// What it is to hear.
    due: Vec<Value>,
}

#[derive(Default)]
struct Model {
    members: Vec<Member>,
    /// The sockets of each room, in the order in which they joined.
    rooms: Vec<(String, Vec<String>)>,
    heard: usize,
}

/// Returns how many events were heard.
pub fn dialect_model(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let mut place = place(TABLE);
    let mut model = Model::default();
    while !bytes.is_empty() {
        model.step(&mut place, &mut bytes);
        for member in &mut model.members {
            let heard = member.client.heard(&mut place);
            assert_eq!(
                heard,
                std::mem::take(&mut member.due),
                "{}",
                member.client.id
            );
            model.heard += heard.len();
        }
    }
    model.heard
}

impl Model {
    fn step(&mut self, place: &mut Place, bytes: &mut Bytes) {
        match bytes.below(16) {
            0..2 if self.members.len() < 5 => self.members.push(Member {
                client: Client::connect(place),
                rooms: Vec::new(),
                alias: None,
                data: None,
                due: Vec::new(),
            }),
            2 => drop(place.lose_memory()),
            3 if !self.members.is_empty() => {
                let who = bytes.below(self.members.len());
                self.leave_for_good(place, who);
            }
            4.. if !self.members.is_empty() => {
                let who = bytes.below(self.members.len());
                self.event(place, bytes, who);
            }
            _ => {}
        }
    }

    fn event(&mut self, place: &mut Place, bytes: &mut Bytes, who: usize) {
        let event = *bytes.pick(&[
            "join",
            "join",
            "join",
            "leave",
            "name",
            "set",
            "others",
            "all",
            "everyone",
            "broadcast",
            "to",
            "in",
            "list",
            "each",
            "many",
        ]);
        let text = match event {
            "join" | "leave" | "in" => (*bytes.pick(&ROOMS)).to_owned(),
            "name" => (*bytes.pick(&NAMES)).to_owned(),
            "to" => match bytes.below(3) {
                0 => (*bytes.pick(&ROOMS)).to_owned(),
                1 => (*bytes.pick(&NAMES)).to_owned(),
                _ => self.members[bytes.below(self.members.len())]
                    .client
                    .id
                    .clone(),
            },
            _ => bytes.below(100).to_string(),
        };
        self.members[who].client.emit(place, json!([event, text]));
        self.expect(event, &text, who);
    }

    fn in_room(&self, room: Option<&str>) -> Vec<String> {
        match room {
            None => self
                .members
                .iter()
                .map(|member| member.client.id.clone())
                .collect(),
            Some(room) => {
                let found = self.rooms.iter().find(|(name, _)| name == room);
                found.map(|(_, ids)| ids.clone()).unwrap_or_default()
            }
        }
    }

    fn tell(&mut self, ids: &[String], event: &Value) {
        for member in &mut self.members {
            if ids.contains(&member.client.id) {
                member.due.push(event.clone());
            }
        }
    }

    fn expect(&mut self, event: &str, text: &str, who: usize) {
        let id = self.members[who].client.id.clone();
        let room = self.members[who].rooms.last().cloned();
        // A socket that is in no room is with nobody.
        let here = room.map_or_else(Vec::new, |room| self.in_room(Some(&room)));
        let but = |ids: &[String]| -> Vec<String> {
            ids.iter().filter(|other| **other != id).cloned().collect()
        };
        let heard = json!(["heard", text, id]);
        let everyone = self.in_room(None);
        match event {
            "join" => self.join(who, text),
            "leave" => self.leave(who, text),
            "name" => {
                let taken = self
                    .members
                    .iter()
                    .any(|member| member.alias.as_deref() == Some(text));
                if !taken {
                    self.members[who].alias = Some(text.to_owned());
                }
            }
            "set" => self.members[who].data = Some(json!({ "x": text })),
            "others" => self.tell(&but(&here), &heard),
            "all" => self.tell(&here, &heard),
            "everyone" => self.tell(&everyone, &heard),
            "broadcast" => self.tell(&but(&everyone), &heard),
            "to" => {
                let mut named = self.members.iter().filter(|member| {
                    member.client.id == text || member.alias.as_deref() == Some(text)
                });
                let to = match named.next() {
                    Some(member) => vec![member.client.id.clone()],
                    None => but(&self.in_room(Some(text))),
                };
                self.tell(&to, &heard);
            }
            "in" => {
                let members = self.in_room(Some(text));
                let others = but(&members);
                let event = json!(["heard", members, others, members.first()]);
                self.tell(&others, &event);
            }
            "list" => {
                let data = self
                    .members
                    .iter()
                    .filter_map(|member| Some((member.client.id.clone(), member.data.clone()?)));
                let data: serde_json::Map<String, Value> = data.collect();
                let rooms = self.members[who].rooms.clone();
                self.tell(&[id], &json!(["heard", rooms, here, data]));
            }
            "each" => {
                for member in &mut self.members {
                    if here.contains(&member.client.id) {
                        member.due.push(json!(["heard", member.alias]));
                    }
                }
            }
            _ => self.tell(&[id], &json!(["heard", here.len() >= 2])),
        }
    }

    fn join(&mut self, who: usize, room: &str) {
        let Member { client, rooms, .. } = &mut self.members[who];
        if rooms.iter().any(|joined| joined == room) {
            return;
        }
        rooms.push(room.to_owned());
        let id = client.id.clone();
        match self.rooms.iter_mut().find(|(name, _)| name == room) {
            Some((_, ids)) => ids.push(id),
            None => self.rooms.push((room.to_owned(), vec![id])),
        }
    }

    fn leave(&mut self, who: usize, room: &str) {
        let Member { client, rooms, .. } = &mut self.members[who];
        rooms.retain(|joined| joined != room);
        for (name, ids) in &mut self.rooms {
            if name == room {
                ids.retain(|id| *id != client.id);
            }
        }
    }

    fn leave_for_good(&mut self, place: &mut Place, who: usize) {
        let rooms = self.members[who].rooms.clone();
        for room in &rooms {
            self.leave(who, room);
        }
        let gone = self.members.remove(who);
        place.lost(gone.client.connection);
        place.take_of(gone.client.connection);
        for room in rooms {
            let members = self.in_room(Some(&room));
            let event = json!(["left", room, gone.client.id, members]);
            self.tell(&members, &event);
        }
    }
}
