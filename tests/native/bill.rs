//! What rooms cost: workloads, the rows that they write, and the cost at list price. `docs/cost.md`
//! has the table for operators.

use serde_json::json;

use crate::hibernation::{Cost, HOUR, Kind, Object, SECOND, punctual};
use crate::idle::SETTLED;
use crate::listing;
use crate::peer::{Peer, RoomServer, server, server_of};
use crate::webhook;

const MINUTE: u64 = 60 * SECOND;

/// List prices of the platform, in dollars per million.
const ROW: f64 = 1.0;
const REQUEST: f64 = 0.15;
const WORKER_REQUEST: f64 = 0.30;
const GB_SECOND: f64 = 12.50;

/// This many frames are billed as one request to the object.
const FRAMES: f64 = 20.0;

/// The assumed time for which an event keeps the object awake, in seconds. Half of it is the time
/// until the commit.
const AWAKE: f64 = 0.05;

const MEMORY_GB: f64 = 0.128;

/// The bill of a workload.
struct Bill {
    rows: u64,
    alarms: u64,
    requests: u64,
    frames: u64,
}

impl Bill {
    fn of(cost: &Cost) -> Self {
        Self {
            rows: cost.rows + cost.alarms_set,
            alarms: cost.alarms_run,
            requests: cost.requests,
            frames: cost.frames,
        }
    }

    fn print(&self, name: &str, limit: u64) {
        let Self {
            rows,
            alarms,
            requests,
            frames,
        } = *self;
        let number = |count: u64| f64::from(u32::try_from(count).expect("few"));
        let object = number(requests) + number(alarms) + number(frames) / FRAMES;
        let awake = (number(requests) + number(alarms) + number(frames)) * AWAKE * MEMORY_GB;
        let micro_dollars = number(rows) * ROW
            + object * REQUEST
            + number(requests) * WORKER_REQUEST
            + awake * GB_SECOND;
        println!(
            "{name:<38} {rows:>6} {limit:>6} {alarms:>7} {requests:>9} {frames:>7} {awake:>6.1} {:>9.6}",
            micro_dollars / 1e6
        );
        assert!(rows <= limit, "{name}: {rows} rows");
    }
}

/// A client sends a packet.
fn say(object: &mut Object, at: u64, place: usize, packet: &str) {
    object.run(at);
    object.wake();
    object.cost.frames += 1;
    object.say(place, packet);
    object.settle();
}

/// Each peer calls all earlier ones. The two sides of a call take turns: a candidate is sent every 15 ms, until each
/// side has sent this many.
fn call(object: &mut Object, people: usize, candidates: u64) {
    for caller in 0..people {
        for callee in 0..caller {
            let mut at = SETTLED + 10 * (caller as u64) * SECOND + 3 * (callee as u64) * SECOND;
            let id = |object: &Object, place: usize| object.ids[place].clone();
            let ends = [(caller, callee, "offer"), (callee, caller, "answer")];
            for (from, to, kind) in ends {
                let to = id(object, to);
                let signal = json!([kind, { "to": to, "description": { "type": kind, "sdp": "v=0".repeat(1_000) } }]);
                say(object, at, from, &format!("42{signal}"));
                at += 200;
            }
            for n in 0..candidates {
                for (from, to, _) in ends {
                    let to = id(object, to);
                    let candidate = json!({ "candidate": format!("candidate:{n} 1 udp 1 192.0.2.1 9 typ host") });
                    let signal = json!(["candidate", { "to": to, "candidate": candidate }]);
                    say(object, at, from, &format!("42{signal}"));
                    at += 15;
                }
            }
        }
    }
}

/// Half an hour of a call, with 50 chat messages.
fn half_an_hour(people: usize) -> Bill {
    let mut object = Object::new(&vec![Kind::WebSocket; people], punctual);
    object.run(SETTLED);
    object.cost = Cost::default();
    call(&mut object, people, 16);
    for n in 0..50 {
        let at = SETTLED + 2 * MINUTE + n * 33 * SECOND;
        let message =
            json!(["chat-message", { "message": "a sentence or two", "mid": n.to_string() }]);
        let place = usize::try_from(n).expect("few") % people;
        say(&mut object, at, place, &format!("42{n}{message}"));
    }
    object.run(SETTLED + 30 * MINUTE);
    Bill::of(&object.cost)
}

fn idle_hour(kind: Kind) -> Bill {
    let mut object = Object::new(&[kind; 4], punctual);
    object.run(SETTLED);
    object.cost = Cost::default();
    object.run(SETTLED + HOUR);
    Bill::of(&object.cost)
}

/// 100 people. Each second the next of them sends a message.
fn crowd() -> Bill {
    let mut object = Object::new(&[Kind::WebSocket; 100], punctual);
    let start = 600 * SECOND;
    object.run(start);
    object.cost = Cost::default();
    for n in 0..3_600 {
        let message =
            json!(["chat-message", { "message": "a sentence or two", "mid": n.to_string() }]);
        let place = usize::try_from(n).expect("few") % 100;
        say(
            &mut object,
            start + n * SECOND,
            place,
            &format!("42{n}{message}"),
        );
    }
    object.run(start + HOUR);
    Bill::of(&object.cost)
}

/// Two clients join and leave.
fn visit(server: RoomServer) -> Bill {
    let mut object = Object::of(server, &[Kind::WebSocket; 2], punctual);
    for place in 0..2 {
        let at = SETTLED + 10 * SECOND * place as u64;
        say(&mut object, at, place, "42[\"room:leave\"]");
    }
    object.run(SETTLED + MINUTE);
    Bill::of(&object.cost)
}

#[test]
fn the_bill() {
    println!("rows written (with alarms set), and what else is billed:");
    println!(
        "{:<38} {:>6} {:>6} {:>7} {:>9} {:>7} {:>6} {:>9}",
        "workload", "rows", "limit", "alarms", "requests", "frames", "GB-s", "$"
    );
    idle_hour(Kind::WebSocket).print("idle room of 4, an hour", 80);
    idle_hour(Kind::Old).print("the same, clients of Socket.IO 1 and 2", 80);
    half_an_hour(2).print("call of 2, 30 min, 50 chat messages", 140);
    half_an_hour(4).print("call of 4, 30 min, 50 chat messages", 230);
    crowd().print("100 people, a message a second, an hour", 3_800);
    visit(server()).print("two join and leave", 10);
    visit(webhook::server()).print("the same, seven webhooks", 17);
    visit(listing::listed_server()).print("the same, listed", 12);
}

/// The maximum number of rows that clients can make a room write in a second. A purge may add 32.
const MOST: usize = 40;

/// M-14
#[test]
fn a_flood_into_sessions_that_never_poll_writes_few_rows() {
    let mut server = server();
    for _ in 0..99 {
        let sid = server.open_polling();
        server.send(&sid, "40");
    }
    let flooder = Peer::connect(&mut server);
    for n in 0..3_000 {
        server.skip_to(server.now() + 1);
        flooder.emit(
            &mut server,
            json!(["offer", { "type": "offer", "sdp": n.to_string() }]),
        );
        server.take();
    }
    let most = server.meter.most_in_a_second();
    assert!((2..=MOST).contains(&most), "{most} rows in a second");
}

#[test]
fn acks_in_a_flood_write_few_rows() {
    let (mut server, [a, _]) = server_of();
    for n in 0..3_000 {
        server.skip_to(server.now() + 1);
        a.call(
            &mut server,
            json!(["chat-message", { "message": n.to_string(), "mid": n.to_string() }]),
        );
    }
    let most = server.meter.most_in_a_second();
    assert!((2..=MOST).contains(&most), "{most} rows in a second");
}

#[test]
fn a_stranger_that_knocks_repeatedly_writes_few_rows() {
    let (mut server, [host, stranger]) = server_of();
    host.join(&mut server, "Host");
    host.call(&mut server, json!(["host:lock", { "on": true }]));
    for n in 0..3_000 {
        server.skip_to(server.now() + 1);
        stranger.emit(&mut server, json!(["room:join", { "name": n.to_string() }]));
        server.take();
    }
    let most = server.meter.most_in_a_second();
    assert!((2..=MOST).contains(&most), "{most} rows in a second");
}

#[test]
fn a_client_that_reconnects_repeatedly_writes_few_rows() {
    let (mut server, [first, _]) = server_of();
    let mut peer = first;
    for _ in 0..1_000 {
        server.skip_to(server.now() + 3);
        peer.vanish(&mut server);
        peer = peer.reconnect(&mut server);
        server.take();
    }
    let most = server.meter.most_in_a_second();
    assert!((1..=MOST).contains(&most), "{most} rows in a second");
}

/// M-14: each time the alarm is set, a row is written. A client repeatedly claims to be an earlier socket, and
/// each claim has its own deadline. The object sets the alarm only a few times in a second.
#[test]
fn repeated_claims_set_few_alarms() {
    let mut object = Object::new(&[Kind::WebSocket; 2], punctual);
    object.run(SETTLED);
    let claimed = Peer::connect(&mut object.server);
    object.settle();
    object.cost = Cost::default();
    let seconds = 10;
    for n in 0..seconds * 100 {
        object.run(SETTLED + n * 10);
        let claimant = object.server.open_websocket();
        object.server.text(claimant, claimed.connect_packet());
        for connection in [claimant, claimed.connection()] {
            object.server.take_for(connection);
        }
        object.settle();
        object.server.lost(claimant);
        object.settle();
    }
    let sets = object.cost.alarms_set;
    assert!((1..=4 * seconds).contains(&sets), "{sets} in {seconds} s");
}

/// A host deletes the chat repeatedly. Each commit is then a purge: it rewrites every row that holds
/// anything.
#[test]
fn a_host_that_clears_the_chat_repeatedly_writes_few_rows() {
    let (mut server, [host]) = server_of();
    host.join(&mut server, "Host");
    for n in 0..2_000 {
        server.skip_to(server.now() + 5);
        host.emit(
            &mut server,
            json!(["chat-message", { "message": n.to_string() }]),
        );
        host.emit(&mut server, json!(["host:clear"]));
        server.take();
    }
    let most = server.meter.most_in_a_second();
    assert!((2..=MOST + 32).contains(&most), "{most} rows in a second");
    let seconds = usize::try_from(server.now() / SECOND).expect("few") + 1;
    let rows = usize::try_from(server.meter.rows).expect("few");
    assert!(rows <= seconds * MOST + 32, "{rows} rows in {seconds} s");
}
