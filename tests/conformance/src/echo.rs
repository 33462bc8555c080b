//! T-3: the application against which the protocol's own tests run. For the tests of clients it asks
//! as well: `ask`, …args returns as `question`, …args, whose ack's arguments return as `answer`.

use std::collections::BTreeSet;

use signalbox::socket::{App, Args, Command, Event, SocketId};
use signalbox::time::Timestamp;

/// The id of each question's ack: whose it is, the socket tells.
const QUESTION: u64 = 0;

/// Echoes in `/`, and only greets in `/custom`.
#[derive(Default)]
pub struct Echo {
    main: BTreeSet<SocketId>,
}

impl App for Echo {
    fn event(&mut self, _now: Timestamp, event: Event, out: &mut Vec<Command>) {
        match event {
            Event::Connect {
                socket,
                namespace,
                auth,
                ..
            } => {
                if !matches!(namespace.as_str(), "/" | "/custom") {
                    out.push(Command::Refuse {
                        socket,
                        message: "Invalid namespace".to_owned(),
                        data: None,
                    });
                    return;
                }
                if namespace.is_main() {
                    self.main.insert(socket);
                }
                let auth = match auth {
                    Some(auth) => Args::new(vec![auth]),
                    None => Args::of(&serde_json::json!({})),
                };
                out.push(Command::Accept {
                    socket,
                    recoverable: true,
                });
                out.push(emit(socket, "auth", auth, None));
            }
            Event::Restore {
                socket, namespace, ..
            } => {
                if namespace.is_main() {
                    self.main.insert(socket);
                }
            }
            Event::Emit {
                from,
                name,
                args,
                ack,
            } if self.main.contains(&from) => match (name.as_str(), ack) {
                ("message", _) => out.push(emit(from, "message-back", args, None)),
                ("message-with-ack", Some(ack)) => out.push(Command::Acknowledge(ack, args)),
                ("ask", _) => out.push(emit(from, "question", args, Some(QUESTION))),
                _ => {}
            },
            Event::Ack {
                from,
                id: QUESTION,
                args,
            } if self.main.contains(&from) => out.push(emit(from, "answer", args, None)),
            // Without recovery nobody is ever away, and its Worker serves no operators.
            Event::Emit { .. }
            | Event::Ack { .. }
            | Event::Empty { .. }
            | Event::Away { .. }
            | Event::Back { .. }
            | Event::Operate(_)
            | Event::Posted(_) => {}
            Event::Disconnect { socket, .. } => {
                self.main.remove(&socket);
            }
        }
    }
}

fn emit(to: SocketId, name: &str, args: Args, ack: Option<u64>) -> Command {
    Command::Emit {
        to: vec![to],
        name: name.to_owned(),
        args,
        ack,
        volatile: false,
    }
}
