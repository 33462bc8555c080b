//! The core alone, natively: how often one relayed event allocates, what it copies, and how long it
//! takes. `core offer 10000` does so many and nothing else, for `valgrind --tool=callgrind`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use signalbox::engine::{self, Engine};
use signalbox::io::{
    ConnectionId, Core, Data, Input, Method, Output, Platform, Reply, Request, RequestId, Survivors,
};
use signalbox::room::config::Rates;
use signalbox::room::{Config, Rate, Room, RoomName};
use signalbox::socket::{self, Host, Server};
use signalbox::time::Timestamp;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);

/// Counts.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ALLOCATED.fetch_add(layout.size() as u64, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

/// A platform without storage.
#[derive(Default)]
struct Nothing(Cell<u64>);

impl Platform for Nothing {
    fn mint(&self) -> [u8; 15] {
        self.0.set(self.0.get() + 1);
        let mut bytes = [7; 15];
        bytes[..8].copy_from_slice(&self.0.get().to_be_bytes());
        bytes
    }

    fn last_auto_response(&self, _: ConnectionId) -> Option<Timestamp> {
        None
    }

    fn load(&self, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    fn log(&self, _: &str) {}
}

struct Hall {
    host: Host<Room>,
    now: u64,
}

impl Hall {
    fn new() -> Self {
        let platform: Rc<dyn Platform> = Rc::new(Nothing::default());
        let mut config = Config::default();
        let rate = Rate {
            burst: 1_000_000_000,
            per_second: 1_000_000_000,
        };
        let Rates { signal, chat, .. } = &mut config.limits.rates;
        (*signal, *chat) = (rate, rate);
        let engine = Engine::new(engine::Config::default(), Rc::clone(&platform));
        let server = Server::new(socket::Config::default(), engine);
        let room = Room::new(RoomName::lobby(), config, platform);
        let mut hall = Self {
            host: Host::new(server, room),
            now: 1_800_000_000_000,
        };
        let now = hall.time();
        hall.host.restore(now, Survivors::default());
        hall
    }

    /// A millisecond later.
    fn time(&mut self) -> Timestamp {
        self.now += 1;
        Timestamp::from_millis(self.now)
    }

    /// A member, by its connection and id.
    fn join(&mut self, number: u64) -> (ConnectionId, String) {
        let request = Input::Request(Request {
            reply: Reply::to(RequestId::new(number)),
            method: Method::Get,
            query: "EIO=4&transport=websocket".to_owned(),
            upgrade: true,
            address: String::new(),
            content_type: String::new(),
            body: Vec::new(),
        });
        let now = self.time();
        self.host.handle(now, request);
        let connection = ConnectionId::new(number);
        let outputs = self.say(connection, "40");
        let id = outputs.iter().find_map(|output| match output {
            Output::Send(_, Data::Text(text)) => text.strip_prefix(r#"40{"sid":""#)?.get(..20),
            _ => None,
        });
        (connection, id.expect("a member is welcome").to_owned())
    }

    fn say(&mut self, from: ConnectionId, text: &str) -> Vec<Output> {
        let data = Data::Text(text.into());
        let now = self.time();
        self.host.handle(now, Input::Received { from, data })
    }
}

/// What is done over and over.
fn frame(kind: &str, to: &str) -> String {
    let line = r"a=rtpmap:111 opus/48000/2\r\n";
    match kind {
        "offer" => {
            let sdp = line.repeat(3000 / line.len());
            format!(r#"42["offer",{{"to":"{to}","description":{{"type":"offer","sdp":"{sdp}"}}}}]"#)
        }
        "candidate" => format!(
            r#"42["candidate",{{"to":"{to}","candidate":{{"candidate":"candidate:1 1 udp 2113937151 192.0.2.1 54321 typ host","sdpMid":"0","sdpMLineIndex":0}}}}]"#
        ),
        _ => format!(r#"42["chat-message","{}"]"#, "m".repeat(80)),
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let only = args.next();
    let rounds: u32 = args
        .next()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(20_000);
    for (kind, members) in [("offer", 2), ("candidate", 2), ("chat", 8), ("chat", 64)] {
        if only.as_deref().is_some_and(|only| only != kind) {
            continue;
        }
        let mut hall = Hall::new();
        let members: Vec<_> = (1..=members).map(|number| hall.join(number)).collect();
        let [(from, _), (_, to), ..] = members.as_slice() else {
            continue;
        };
        let event = frame(kind, to);
        hall.say(*from, &event); // the first one of all is like no other
        let (allocations, allocated) = (
            ALLOCATIONS.load(Ordering::Relaxed),
            ALLOCATED.load(Ordering::Relaxed),
        );
        let start = Instant::now();
        let mut sent = 0;
        for _ in 0..rounds {
            sent += hall.say(*from, &event).len();
        }
        let each = |total: u64| total as f64 / f64::from(rounds);
        println!(
            "{kind} of {} B among {}: {:.2} µs, {:.1} allocations of {:.0} B in all, {:.1} outputs",
            event.len(),
            members.len(),
            start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds),
            each(ALLOCATIONS.load(Ordering::Relaxed) - allocations),
            each(ALLOCATED.load(Ordering::Relaxed) - allocated),
            each(sent as u64),
        );
    }
}
