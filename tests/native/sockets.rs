//! The layer under applications: rooms, targets, data, acks.

use std::time::Duration;

use signalbox::socket::{
    Args, Command, Json, MAX_ASKED, MAX_ROOM_NAME, MAX_ROOMS, Namespace, RoomError, SocketId,
    Sockets, Target,
};

use crate::support::{at, id};

fn socket(n: u64) -> SocketId {
    SocketId::parse(&id(n)).unwrap()
}

fn namespace(name: &str) -> Namespace {
    Namespace::parse(name).unwrap()
}

/// Sockets 1 to 4 are in `/`, and socket 5 is in `/other`. Sockets 3, 1 and 2 joined room a, in this
/// order. Sockets 2 and 5 joined room b.
fn sockets() -> Sockets<String> {
    let mut sockets = Sockets::default();
    for n in 1..=5 {
        let name = if n == 5 { "/other" } else { "/" };
        sockets.connect(socket(n), namespace(name), format!("data {n}"));
    }
    for (n, room) in [(3, "a"), (1, "a"), (2, "a"), (2, "b"), (5, "b")] {
        assert_eq!(sockets.join(socket(n), room), Ok(true));
        assert_eq!(sockets.join(socket(n), room), Ok(false));
    }
    sockets
}

/// The sockets that a target selects.
fn named(sockets: &Sockets<String>, target: &Target) -> Vec<u64> {
    let selected = sockets.select(target);
    assert!(
        selected.is_sorted(),
        "each once, in the order of the server's list"
    );
    let numbers: Vec<u64> = (1..=5).filter(|n| selected.contains(&socket(*n))).collect();
    assert_eq!(numbers.len(), selected.len());
    numbers
}

/// The same sockets after the loss of memory.
fn restored(sockets: &mut Sockets<String>) -> Sockets<String> {
    let mut out = Vec::new();
    sockets.save(&mut out);
    let mut restored = Sockets::default();
    for command in out {
        let Command::Keep(id, state) = command else {
            panic!("not kept");
        };
        let namespace = sockets.namespace(id).unwrap().clone();
        assert!(restored.restore(id, namespace, state.as_ref()));
    }
    restored
}

#[test]
fn targets() {
    let mut before = sockets();
    let after = restored(&mut before);
    for sockets in [before, after] {
        let all = || Target::all(Namespace::main());
        for (target, expected) in [
            (all(), vec![1, 2, 3, 4]),
            (all().but(socket(2)), vec![1, 3, 4]),
            (all().to("a"), vec![1, 2, 3]),
            (all().to("b"), vec![2]),
            (all().to("a").to("b"), vec![1, 2, 3]),
            (all().to("nobody is here"), vec![]),
            (all().to(id(4)), vec![4]),
            (all().to(id(5)), vec![]), // in another namespace
            (all().to(id(4)).to("b"), vec![2, 4]),
            (all().except("a"), vec![4]),
            (all().except(id(1)).except("b"), vec![3, 4]),
            (all().to("a").except("b"), vec![1, 3]),
            (all().to("a").but(socket(3)), vec![1, 2]),
            (Target::all(namespace("/other")), vec![5]),
            (Target::all(namespace("/other")).to("b"), vec![5]),
            (Target::all(namespace("/none")), vec![]),
        ] {
            assert_eq!(named(&sockets, &target), expected, "{target:?}");
        }
    }
}

/// Members are listed in the order of joining, not of their ids.
#[test]
fn members_are_listed_in_the_order_of_joining() {
    let mut sockets = sockets();
    let main = Namespace::main();
    let numbers = |ns: &[u64]| ns.iter().map(|n| socket(*n)).collect::<Vec<_>>();
    assert_eq!(sockets.members(&main, Some("a")), numbers(&[3, 1, 2]));
    assert_eq!(sockets.members(&main, None), numbers(&[1, 2, 3, 4]));
    assert!(sockets.leave(socket(3), "a") && !sockets.leave(socket(3), "a"));
    assert_eq!(sockets.join(socket(3), "a"), Ok(true));
    let mut sockets = restored(&mut sockets);
    assert_eq!(sockets.members(&main, Some("a")), numbers(&[1, 2, 3]));
    assert_eq!(sockets.join(socket(4), "a"), Ok(true));
    assert_eq!(sockets.members(&main, Some("a")), numbers(&[1, 2, 3, 4]));
    assert_eq!(sockets.rooms(socket(2)).collect::<Vec<_>>(), ["a", "b"]);
    sockets.disconnect(socket(2));
    assert_eq!(
        (sockets.count(&main, "a"), sockets.count(&main, "b")),
        (3, 0)
    );
    assert_eq!(sockets.room_names(&main).collect::<Vec<_>>(), ["a"]);
}

/// A condition selects sockets of all namespaces by their ids and their data.
#[test]
fn matching_data() {
    let mut sockets = sockets();
    let matching = |sockets: &Sockets<String>, texts: &[&str]| {
        let is_named = |data: &String| texts.contains(&data.as_str());
        let ids = sockets.matching(|id, data| id != socket(1) && is_named(data));
        assert!(ids.is_sorted());
        let numbers = (1..=5).filter(|n| ids.contains(&socket(*n)));
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(matching(&sockets, &["data 1", "data 3", "none"]), [3]);
    assert_eq!(matching(&sockets, &["data 5", "data 2"]), [2, 5]);
    assert!(matching(&sockets, &[]).is_empty());
    sockets.change(socket(3), |data| {
        "data 2".clone_into(data);
        true
    });
    let sockets = restored(&mut sockets);
    assert_eq!(matching(&sockets, &["data 2", "data 3"]), [2, 3]);
}

/// An id is found before an alias, and only if its socket exists.
#[test]
fn sockets_by_name() {
    let mut sockets = sockets();
    sockets.change(socket(1), |data| {
        *data = id(2);
        true
    });
    let find =
        |sockets: &Sockets<String>, name: &str| sockets.find(name, |data| Some(data.as_str()));
    assert_eq!(find(&sockets, "data 3"), Some(socket(3)));
    assert_eq!(find(&sockets, &id(3)), Some(socket(3)));
    assert_eq!(find(&sockets, &id(2)), Some(socket(2)));
    assert_eq!(find(&sockets, "data 1"), None);
    sockets.disconnect(socket(2));
    assert_eq!(find(&sockets, &id(2)), Some(socket(1)));
    assert_eq!(sockets.find("data 3", |_| None), None);
}

#[test]
fn rooms_that_cannot_be_joined() {
    let mut sockets = sockets();
    for (room, error) in [
        (String::new(), RoomError::Name),
        ("x".repeat(MAX_ROOM_NAME + 1), RoomError::Name),
        (id(2), RoomError::ForeignId),
        (id(999), RoomError::ForeignId),
    ] {
        assert_eq!(sockets.join(socket(1), &room), Err(error), "{room}");
    }
    assert_eq!(
        sockets.join(socket(1), &id(1)),
        Ok(false),
        "the socket is already in the room"
    );
    assert_eq!(sockets.join(socket(9), "a"), Err(RoomError::Gone));
    for n in 1..MAX_ROOMS {
        assert_eq!(sockets.join(socket(1), &format!("room {n}")), Ok(true));
    }
    assert_eq!(sockets.join(socket(1), "one more"), Err(RoomError::TooMany));
}

/// A turn stores each changed value once, and nothing else.
#[test]
fn stored_values() {
    let mut sockets = sockets();
    let kept = |sockets: &mut Sockets<String>| {
        let mut out = Vec::new();
        sockets.save(&mut out);
        out.len()
    };
    assert_eq!(kept(&mut sockets), 5);
    assert_eq!(kept(&mut sockets), 0);
    sockets.change(socket(1), |_| false);
    assert_eq!(kept(&mut sockets), 0);
    sockets.change(socket(1), |data| {
        data.push('!');
        true
    });
    assert_eq!(sockets.join(socket(1), "c"), Ok(true));
    assert_eq!(kept(&mut sockets), 1);
    assert_eq!(sockets.get(socket(1)).unwrap(), "data 1!");
    assert!(!sockets.restore(socket(6), Namespace::main(), None));
    assert!(!sockets.restore(socket(6), Namespace::main(), Some(&Json::of("x"))));
}

/// The application names each ack that it awaits. It awaits the ack until the ack arrives, its deadline
/// passes or the socket ends. A client can acknowledge only the events that were sent to it.
#[test]
fn acks() {
    let mut sockets = sockets();
    let mut out = Vec::new();
    let mut ask = |sockets: &mut Sockets<String>, n: u64, name: &str, millis: u64| {
        let answer = (name, Duration::from_millis(millis));
        let asked = sockets.ask(
            at(1_000),
            socket(n),
            ("question", Args::default()),
            answer,
            &mut out,
        );
        let ack = match out.pop() {
            Some(Command::Emit { to, ack, .. }) if to == [socket(n)] => ack,
            _ => None,
        };
        assert_eq!(asked, ack.is_some());
        ack
    };
    let first = ask(&mut sockets, 1, "first", 500).unwrap();
    let second = ask(&mut sockets, 1, "second", 300).unwrap();
    let third = ask(&mut sockets, 2, "third", 300).unwrap();
    assert_eq!(ask(&mut sockets, 9, "gone", 1), None);
    assert_eq!(sockets.deadline(), Some(at(1_300)));
    assert_eq!(
        sockets.answered(socket(2), first),
        None,
        "socket 1 was asked, not this one"
    );
    let mut sockets = restored(&mut sockets);
    assert_eq!(sockets.answered(socket(1), first).as_deref(), Some("first"));
    assert_eq!(
        sockets.answered(socket(1), first),
        None,
        "an ack counts once"
    );
    assert_eq!(sockets.expire(at(1_299)), []);
    assert_eq!(sockets.awaited(socket(2)), ["third"]);
    assert!(sockets.disconnect(socket(2)).is_some());
    assert_eq!(
        sockets.expire(at(1_300)),
        [(socket(1), "second".to_owned())]
    );
    assert_eq!(sockets.deadline(), None);
    assert_eq!(sockets.answered(socket(1), second), None, "too late");
    assert_eq!(sockets.answered(socket(2), third), None);
    for n in 0..MAX_ASKED {
        assert!(ask(&mut sockets, 3, &n.to_string(), 1).is_some());
    }
    assert_eq!(ask(&mut sockets, 3, "one more", 1), None);
}
