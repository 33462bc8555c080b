//! What a client received: acks, errors and events.

use serde_json::{Value, json};

use super::{Link, Peer, RoomServer};
use crate::support::Done;

impl Peer {
    /// The ack, if it arrived.
    pub fn acknowledged(&self, server: &mut RoomServer, ack: u64) -> Option<Value> {
        let args = self.take_frame(server, &format!("43{ack}"))?;
        let args: Value = serde_json::from_str(&args).unwrap();
        assert_eq!(args.as_array().map(Vec::len), Some(1), "one argument");
        Some(args[0].clone())
    }

    /// Takes a received frame that begins with `start` and then `[` or `{`. Returns it without `start`.
    pub fn take_frame(&self, server: &mut RoomServer, start: &str) -> Option<String> {
        let frames = self.frames(server);
        let mut heard = self.heard.borrow_mut();
        heard.extend(frames);
        let rest = |frame: &String| {
            let rest = frame.strip_prefix(start)?;
            rest.starts_with(['[', '{']).then(|| rest.to_owned())
        };
        let place = heard.iter().position(|frame| rest(frame).is_some())?;
        rest(&heard.remove(place))
    }

    /// The code with which an event is refused. The error names the event.
    pub fn refusal(&self, server: &mut RoomServer, event: &Value) -> String {
        let reply = self.call(server, event);
        assert_eq!(reply["ok"], false, "{event} was not refused");
        let error = &reply["error"];
        assert_eq!(error["event"], event[0]);
        assert_ne!(error["message"], "");
        error["code"].as_str().expect("a code").to_owned()
    }

    /// The events since the last call, as they were written.
    pub fn heard_raw(&self, server: &mut RoomServer) -> Vec<String> {
        let frames = self.frames(server);
        self.heard.borrow_mut().extend(frames);
        self.events()
    }

    fn events(&self) -> Vec<String> {
        let event = |frame: &String| frame.strip_prefix("42").map(str::to_owned);
        let events = self.heard.take();
        let events = events.iter().map(|frame| event(frame).expect("an event"));
        events.map(|event| self.without_offset(&event)).collect()
    }

    /// Removes the offset, which is the last argument unless the event is volatile, and stores it
    /// as the client does.
    fn without_offset(&self, event: &str) -> String {
        let volatile = ["chat:typing", "room:error", "host:knock"];
        let mut volatile = volatile.iter().map(|name| format!("[\"{name}\""));
        if volatile.any(|start| event.starts_with(&start)) {
            return event.to_owned();
        }
        let (event, offset) = event
            .strip_suffix("\"]")
            .unwrap()
            .rsplit_once(",\"")
            .unwrap();
        let offset = offset.parse().expect("an offset");
        let earlier = self.offset.replace(Some(offset));
        assert!(
            earlier < Some(offset),
            "an offset did not grow: {earlier:?}, {offset}"
        );
        format!("{event}]")
    }

    /// The events that arrived before the server was killed. Acks are skipped.
    pub fn heard_last(&self, server: &mut RoomServer) -> Vec<Value> {
        let number = match &self.link {
            Link::WebSocket(connection) => *connection,
            Link::Polling(_, poll) => poll.get(),
        };
        let frames = server
            .take_for(number)
            .into_iter()
            .flat_map(|done| match done {
                Done::Sent(_, frame) => vec![frame],
                Done::Responded(_, _, _, body) => body.split('\x1e').map(str::to_owned).collect(),
                other => panic!("not text: {other:?}"),
            });
        let events = frames.filter(|frame| frame.starts_with("42"));
        self.heard.borrow_mut().extend(events);
        values(&self.events())
    }

    /// The events since the last call, each as `[name, …arguments]`.
    pub fn heard(&self, server: &mut RoomServer) -> Vec<Value> {
        values(&self.heard_raw(server))
    }

    /// The signals since the last call, each without its meta. Asserts that each meta names `from`.
    pub fn signals(&self, server: &mut RoomServer, from: &Peer) -> Vec<Value> {
        let mut events = self.heard(server);
        for event in &mut events {
            let meta = event.as_array_mut().and_then(Vec::pop).expect("a meta");
            assert_eq!(meta["from"], json!(from.id), "{meta}");
            assert_eq!(meta["room"], "room", "{meta}");
        }
        events
    }

    /// The only event since the last call.
    pub fn heard_one(&self, server: &mut RoomServer) -> Value {
        match <[Value; 1]>::try_from(self.heard(server)) {
            Ok([event]) => event,
            Err(events) => panic!("not one event: {events:?}"),
        }
    }
}

fn values(events: &[String]) -> Vec<Value> {
    let read = |event: &String| serde_json::from_str(event).unwrap();
    events.iter().map(read).collect()
}
