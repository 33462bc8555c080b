//! The servers of a room's tests.

use std::rc::Rc;

use signalbox::engine::{self, Engine};
use signalbox::room::config::{Limits, Rates};
use signalbox::room::{Config, Rate, Room, RoomName};
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use super::Peer;
use crate::support::Script;

pub type RoomServer = Script<Runner<Room>>;

/// A room named `room`, with the deployed settings, except for the rates.
pub fn server() -> RoomServer {
    server_with(Config {
        limits: high_rates(),
        ..Config::default()
    })
}

/// The deployed limits, with rates that no test exceeds by accident.
pub fn high_rates() -> Limits {
    let rate = Rate {
        burst: 1_000_000,
        per_second: 1,
    };
    let mut limits = Limits::default();
    let Rates {
        signal,
        chat,
        control,
        ..
    } = &mut limits.rates;
    for limit in [signal, chat, control] {
        *limit = rate;
    }
    limits
}

pub fn server_with(config: Config) -> RoomServer {
    server_on(config, socket::Config::default())
}

/// A room on a server with these settings.
pub fn server_on(config: Config, server: socket::Config) -> RoomServer {
    Script::new(move |store: Rc<Store>| {
        let engine = Engine::new(engine::Config::default(), Rc::clone(&store));
        let server = Server::new(server.clone(), engine);
        let name = RoomName::parse("room").unwrap();
        Runner::new(server, Room::new(name, config.clone(), store))
    })
}

/// A room with this many connected clients, which have not joined.
pub fn server_of<const N: usize>() -> (RoomServer, [Peer; N]) {
    let mut server = server();
    let peers = std::array::from_fn(|_| Peer::connect(&mut server));
    (server, peers)
}
