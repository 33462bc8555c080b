//! The cost of an idle room, and the limits of its heartbeat. The clients are silent, and the alarm may be late.

use crate::hibernation::Kind::{self, Old, Polling, WebSocket};
use crate::hibernation::{Cost, HOUR, Object, RELEASES, SECOND, punctual};
use crate::random::Random;

/// How long a client waits for a ping: pingInterval plus pingTimeout.
const CLIENT_WAITS: u64 = 120 * SECOND;

/// From this time on, all pings of a room are sent together.
pub const SETTLED: u64 = 200 * SECOND;

/// The longest delay of an alarm.
const LATEST: u64 = 60 * SECOND;

const ROOMS: [(&str, [Kind; 4]); 3] = [
    ("WebSocket", [WebSocket; 4]),
    ("polling", [Polling; 4]),
    ("mixed", [WebSocket, Polling, WebSocket, Polling]),
];

/// A room whose clients send the pings themselves.
const OLD_ROOM: (&str, [Kind; 4]) = ("revision 3", [Old; 4]);

fn late(seed: u64) -> impl FnMut() -> u64 {
    let mut random = Random::new(seed);
    move || match random.next() % 3 {
        0 => 0,
        1 => LATEST,
        _ => random.next() % LATEST,
    }
}

/// In 45 s one alarm runs and one alarm is set, and nothing else is written. A polling client adds
/// two polls, a pong and a release; a client of revision 3 adds one frame, its ping.
#[test]
fn an_idle_room_costs_its_alarm_and_its_polls() {
    println!("an idle room of 4, pinged every 45 s, in an hour:");
    println!(
        "room       alarm runs   sets   rows written   requests   frames in   wakes   attached   sent"
    );
    for (name, kinds) in ROOMS.into_iter().chain([OLD_ROOM]) {
        let mut room = Object::new(&kinds, punctual);
        room.run(SETTLED);
        room.cost = Cost::default();
        room.run(SETTLED + HOUR);
        let cost = &room.cost;
        println!(
            "{name:<10} {:>10} {:>6} {:>14} {:>10} {:>11} {:>7} {:>10} {:>6}",
            cost.alarms_run,
            cost.alarms_set,
            cost.rows,
            cost.requests,
            cost.frames,
            cost.wakes,
            cost.attached,
            cost.sent
        );
        let awake = kinds.iter().filter(|kind| **kind != WebSocket);
        let pings = awake.map(|_| HOUR / (45 * SECOND)).sum::<u64>();
        assert!(cost.alarms_run <= 80, "{name}: {cost:?}");
        assert!(cost.alarms_set <= 80, "{name}: {cost:?}");
        assert_eq!(cost.rows, 0, "{name}: {cost:?}");
        assert!(cost.requests <= 3 * pings, "{name}: {cost:?}");
        assert!(cost.frames <= pings, "{name}: {cost:?}");
        assert!(cost.wakes <= 80 + pings, "{name}: {cost:?}");
    }
}

/// With alarms up to a minute late, every client is pinged in time and none is disconnected.
#[test]
fn late_alarms_drop_no_client() {
    for (name, kinds) in ROOMS {
        for seed in 0..5 {
            let mut room = Object::new(&kinds, late(seed));
            room.run(HOUR);
            assert!(room.cost.alarms_run > 30, "{name}, seed {seed}");
            for client in &room.clients {
                let since = room.server.now() - client.last_ping;
                let silence = client.longest_silence.max(since);
                assert!(silence < CLIENT_WAITS, "{name}, seed {seed}: {silence} ms");
            }
        }
    }
}

/// When a vanished client expires, or when the late alarm runs, the other clients are told that it is away.
#[test]
fn the_others_are_told_of_a_vanished_client() {
    for (name, kinds) in ROOMS {
        let ghosts = if kinds[0] == kinds[1] { 1 } else { 2 };
        for ghost in 0..ghosts {
            for lateness in [0, LATEST] {
                let mut slowest = 0;
                for phase in 0..10 {
                    let mut room = Object::new(&kinds, move || lateness);
                    room.run(SETTLED + phase * 4_777);
                    let vanished = room.server.now();
                    room.clients[ghost].has_vanished = true;
                    room.run(vanished + 400 * SECOND);
                    let client = &room.clients[ghost];
                    let missed = client.missed.expect("the others were told");
                    let silent = missed - client.last_sign;
                    assert!(silent <= CLIENT_WAITS + lateness, "{name}: {silent} ms");
                    slowest = slowest.max(missed - vanished);
                }
                println!(
                    "{name}, one vanishes ({:?}), alarms late by {} s: away after {} s at most",
                    kinds[ghost],
                    lateness / SECOND,
                    slowest.div_ceil(SECOND)
                );
            }
        }
    }
}

/// If the alarm never comes, any other event sends the overdue pings.
#[test]
fn any_event_sends_overdue_pings() {
    let pinged = |room: &Object| room.clients.iter().map(|client| client.last_ping).min();
    for (name, kinds) in ROOMS {
        let mut room = Object::new(&kinds, || HOUR);
        if kinds.contains(&Polling) {
            room.run(45 * SECOND + RELEASES);
            assert!(pinged(&room) > Some(45 * SECOND), "{name}: by a poll");
        } else {
            room.run(100 * SECOND);
            assert!(
                pinged(&room) < Some(45 * SECOND),
                "{name}: nothing happened"
            );
            room.wake();
            room.say(0, "42[\"chat:history\"]");
            room.settle();
            assert_eq!(pinged(&room), Some(100 * SECOND), "{name}: by a message");
        }
        assert_eq!(room.cost.alarms_run, 0);
    }
}
