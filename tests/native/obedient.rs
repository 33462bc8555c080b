//! An application that does what the names of its events say.

use std::rc::Rc;

use serde_json::json;
use signalbox::engine::{Engine, Handshake};
use signalbox::socket::{Ack, App, Args, Command, Event, Json, Runner, Server, SocketId};
use signalbox::time::Timestamp;

use crate::raw::defaults;
use crate::settings::without_recovery;
use crate::support::Script;

#[derive(Default)]
pub struct Obedient {
    /// What happened to sockets, as text.
    pub log: Vec<String>,
    /// All sockets that connected, with their handshakes.
    pub sockets: Vec<SocketId>,
    pub handshakes: Vec<Rc<Handshake>>,
}

fn to(socket: SocketId, name: &str, args: Args, ack: Option<u64>) -> Command {
    Command::Emit {
        to: vec![socket],
        name: name.to_owned(),
        args,
        ack,
        volatile: false,
    }
}

impl App for Obedient {
    fn reset(&mut self) {} // it has no state of its own that is stored

    fn event(&mut self, _now: Timestamp, event: Event, out: &mut Vec<Command>) {
        match event {
            Event::Connect {
                socket,
                namespace,
                handshake,
                ..
            } => {
                self.sockets.push(socket);
                self.handshakes.push(handshake);
                out.push(match namespace.as_str() {
                    "/refused" => Command::Refuse {
                        socket,
                        message: "not you".to_owned(),
                        data: Some(Json::of(&json!({ "code": "x" }))),
                    },
                    "/later" => to(socket, "too early", Args::default(), None),
                    _ => Command::Accept {
                        socket,
                        recoverable: true,
                    },
                });
            }
            Event::Restore {
                namespace, state, ..
            } => {
                self.log.push(format!("{namespace} restored: {state:?}"));
            }
            Event::Emit {
                from,
                name,
                args,
                ack,
            } => self.obey(from, &name, args, ack, out),
            Event::Ack { id, args, .. } => {
                let sizes: Vec<usize> = args.attachments.iter().map(|a| a.len()).collect();
                self.log
                    .push(format!("ack {id}: {:?} {sizes:?}", args.values));
            }
            Event::Disconnect { reason, .. } => self.log.push(reason.to_string()),
            Event::Empty { .. }
            | Event::Away { .. }
            | Event::Back { .. }
            | Event::Operate(_)
            | Event::Posted(..) => {}
        }
    }
}

impl Obedient {
    fn obey(
        &mut self,
        from: SocketId,
        name: &str,
        args: Args,
        ack: Option<Ack>,
        out: &mut Vec<Command>,
    ) {
        match (name, ack) {
            ("ask", _) => out.push(to(from, "question", args, Some(7))),
            ("accept", _) => out.extend(self.sockets.iter().map(|&socket| Command::Accept {
                socket,
                recoverable: true,
            })),
            ("all", _) => out.push(Command::Emit {
                to: self.sockets.clone(),
                name: "all".to_owned(),
                args,
                ack: None,
                volatile: false,
            }),
            ("volatile", _) => out.push(Command::Emit {
                to: vec![from],
                name: "volatile".to_owned(),
                args,
                ack: None,
                volatile: true,
            }),
            ("keep", _) => out.push(Command::Keep(from, Some(args.values[0].clone()))),
            ("kick", _) => out.push(Command::Disconnect(from)),
            ("close", _) => out.push(Command::Close(from)),
            ("tellme", Some(ack)) => {
                let mut args = Args::of(&json!({ "_placeholder": true, "num": 0 }));
                args.attachments.push([9][..].into());
                out.push(Command::Acknowledge(ack, args));
            }
            (name, ack) => self.log.push(format!("{name} {}", ack.is_some())),
        }
    }
}

pub fn obedient() -> Script<Runner<Obedient>> {
    Script::new(|platform| {
        let engine = Engine::new(defaults(), platform);
        Runner::new(Server::new(without_recovery(), engine), Obedient::default())
    })
}
