//! Measures the core alone, natively: the time and the allocations of an event, from the incoming
//! frame to the outgoing frames. It also measures parts: reading and writing a packet, and a commit
//! of the journal. `core offer 10000` repeats only the operation `offer`, 10,000 times, for
//! `valgrind --tool=callgrind`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use signalbox::dialect::{Dialect, Table};
use signalbox::engine::{self, Engine, Message};
use signalbox::io::{
    ConnectionId, Core, Data, Headers, Input, Method, Output, Platform, Reply, Request, RequestId,
    Survivors,
};
use signalbox::journal::{Bounds, Journal, Put, Row};
use signalbox::room::config::Rates;
use signalbox::room::{Config, Rate, Room, RoomName};
use signalbox::socket::{self, App, Decoder, Runner, Server};
use signalbox::store::Store;
use signalbox::time::Timestamp;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);

/// Counts the allocations of the only thread. `fetch_add` would add locked instructions to the
/// measurement.
struct Counting;

fn count(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call is forwarded to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(&ALLOCATIONS, 1);
        count(&ALLOCATED, layout.size() as u64);
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

    fn load(&self, _: &str) -> Result<Vec<(String, String)>, String> {
        Ok(Vec::new())
    }

    fn log(&self, _: &str) {}
}

struct RoomServer<A> {
    runner: Runner<A>,
    now: u64,
}

/// A room of the signaling application.
fn room(config: Config, store: Rc<Store>) -> Room {
    Room::new(RoomName::lobby(), config, store)
}

/// A dialect with the same events: offers to one member, and messages to all.
fn dialect(config: Config, store: Rc<Store>) -> Dialect {
    let table = r#"{"on": {
        "offer": [{"emit": "offer", "to": "$0.to", "args": [{"from": "$id", "description": "$0.description"}]}],
        "chat-message": [{"emit": "chat-message", "to": "all", "args": ["$0", "$id"]}]
    }}"#;
    let table = Rc::new(Table::parse(table).expect("a table"));
    Dialect::new("bench".to_owned(), RoomName::lobby(), table, config, store)
}

impl<A: App> RoomServer<A> {
    fn new(app: impl FnOnce(Config, Rc<Store>) -> A) -> Self {
        let platform: Rc<dyn Platform> = Rc::new(Nothing::default());
        let mut config = Config::default();
        let rate = Rate {
            burst: 1_000_000_000,
            per_second: 1_000_000_000,
        };
        let Rates { signal, chat, .. } = &mut config.limits.rates;
        (*signal, *chat) = (rate, rate);
        let store = Store::new(platform);
        let engine = Engine::new(engine::Config::default(), Rc::clone(&store));
        let server = Server::new(socket::Config::default(), engine);
        let mut server = Self {
            runner: Runner::new(server, app(config, store)),
            now: 1_800_000_000_000,
        };
        let now = server.time();
        server.runner.restore(now, Survivors::default());
        server
    }

    /// Advances the clock by a millisecond.
    fn time(&mut self) -> Timestamp {
        self.now += 1;
        Timestamp::from_millis(self.now)
    }

    /// A member: its connection and id.
    fn join(&mut self, number: u64) -> (ConnectionId, String) {
        let request = Input::Request(Request {
            reply: Reply::to(RequestId::new(number)),
            method: Method::Get,
            query: "EIO=4&transport=websocket".to_owned(),
            upgrade: true,
            address: String::new(),
            content_type: String::new(),
            headers: Headers::default(),
            body: Vec::new(),
        });
        let now = self.time();
        self.runner.handle(now, request);
        let connection = ConnectionId::new(number);
        let outputs = self.say(connection, "40");
        let id = outputs.iter().find_map(|output| match output {
            Output::Send(_, Data::Text(text)) => text.strip_prefix(r#"40{"sid":""#)?.get(..20),
            _ => None,
        });
        (connection, id.expect("the answer to CONNECT").to_owned())
    }

    fn say(&mut self, from: ConnectionId, text: &str) -> Vec<Output> {
        let data = Data::Text(text.into());
        let now = self.time();
        self.runner.handle(now, Input::Received { from, data })
    }
}

/// The frame of a measured event.
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

/// A journal like that of a busy room, with all its rows in use.
struct Disk {
    journal: Journal,
    rows: Vec<Vec<u8>>,
    turn: usize,
}

impl Disk {
    fn new() -> Self {
        let mut store = Self {
            journal: Journal::default(),
            rows: vec![Vec::new(); Bounds::default().rows.into()],
            turn: 0,
        };
        for (prefix, count, len) in [("socket", 100, 400), ("log", 170, 3_000)] {
            for number in 0..count {
                store.set(&format!("{prefix}/{number:020}"), Some("x".repeat(len)));
            }
        }
        for _ in 0..500 {
            store.commit(600);
        }
        store
    }

    fn set(&mut self, key: &str, value: Option<String>) {
        let set = self.journal.set(key.to_owned(), value);
        set.expect("it fits into a row");
    }

    /// Commits this many bytes in three records, and deletes three.
    fn commit(&mut self, bytes: usize) -> usize {
        for _ in 0..3 {
            self.turn += 1;
            let (turn, old) = (self.turn, self.turn.saturating_sub(200));
            self.set(&format!("chat/{turn:016}"), Some("x".repeat(bytes / 3)));
            self.set(&format!("chat/{old:016}"), None);
        }
        let read = |row: Row| self.rows.get(row.index()).cloned();
        let puts = self.journal.commit(read).expect("there is room");
        let rows = puts.len();
        for Put { row, bytes } in puts {
            self.rows[row.index()] = bytes;
        }
        rows
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let only = args.next();
    let rounds: u32 = args
        .next()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(20_000);
    let wanted = |kind: &str| only.as_deref().is_none_or(|only| only == kind);
    let offer = frame("offer", &"x".repeat(20));
    let message = Message::text(&offer[1..]);
    let packet = Decoder::default().push(&message, usize::MAX).ok().flatten();
    let packet = packet.expect("an offer is a packet");
    if wanted("decode") {
        measure("decode", offer.len(), rounds, || {
            usize::from(Decoder::default().push(&message, usize::MAX).is_ok())
        });
    }
    if wanted("encode") {
        measure("encode", offer.len(), rounds, || {
            std::hint::black_box(packet.message());
            1
        });
    }
    for (kind, members) in [
        ("offer", 2),
        ("candidate", 2),
        ("chat-8", 8),
        ("chat-64", 64),
    ] {
        if wanted(kind) {
            relay(kind, kind, RoomServer::new(room), members, rounds);
        }
    }
    for (kind, members) in [("offer", 2), ("chat-8", 8), ("chat-64", 64)] {
        let label = format!("dialect-{kind}");
        if wanted(&label) {
            relay(&label, kind, RoomServer::new(dialect), members, rounds);
        }
    }
    journal(wanted, rounds);
}

fn relay<A: App>(label: &str, kind: &str, mut server: RoomServer<A>, members: u64, rounds: u32) {
    let joined: Vec<_> = (1..=members).map(|number| server.join(number)).collect();
    let [(from, _), (_, to), ..] = joined.as_slice() else {
        return;
    };
    let event = frame(kind, to);
    measure(label, event.len(), rounds, || {
        server.say(*from, &event).len()
    });
}

fn journal(wanted: impl Fn(&str) -> bool, rounds: u32) {
    for (kind, bytes) in [
        ("commit", 600),
        ("commit-6k", 6_000),
        ("commit-40k", 40_000),
    ] {
        if wanted(kind) {
            let mut store = Disk::new();
            measure(kind, bytes, rounds, || store.commit(bytes));
        }
    }
}

/// Repeats an operation, and prints the cost of one repetition. `act` returns the number of outputs.
fn measure(label: &str, bytes: usize, rounds: u32, mut act: impl FnMut() -> usize) {
    act(); // the first call is not typical
    let counters = || {
        (
            ALLOCATIONS.load(Ordering::Relaxed),
            ALLOCATED.load(Ordering::Relaxed),
        )
    };
    let (allocations, allocated) = counters();
    let start = Instant::now();
    let outputs: usize = (0..rounds).map(|_| act()).sum();
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
    let (now, now_allocated) = counters();
    let each = |total: u64| total as f64 / f64::from(rounds);
    println!(
        "  {label}, {bytes} B: {micros:.2} µs, {:.1} allocations of {:.0} B in all, {:.1} outputs",
        each(now - allocations),
        each(now_allocated - allocated),
        each(outputs as u64),
    );
}
