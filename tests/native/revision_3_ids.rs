//! Revision 3 of Engine.IO: socket ids are made from the session id.

use serde_json::json;
use signalbox::socket::{Namespace, RoomError, SocketId, Sockets, Target};

use crate::obedient::obedient;
use crate::peer::{Peer, server};
use crate::revision_3_socket::{connect, event, sid};
use crate::support::{Done, WEBSOCKET_3};

/// L-17: the socket id is the session id, and has the form of all socket ids. Peers of both
/// revisions can address each other by it, and it survives the loss of memory.
#[test]
fn l_17_ids_are_the_engines() {
    let mut server = server();
    let peer = Peer::connect(&mut server);
    let ((a, a_id), (b, b_id)) = (connect(&mut server, ""), connect(&mut server, ""));
    for lose in [false, true] {
        if lose {
            server.lose_memory();
        }
        for id in [&a_id, &b_id] {
            assert!(SocketId::is_id(id), "{id}");
        }
        server.take();
        server.text(
            a,
            format!(r#"42["offer",{{"to":"{b_id}","sdp":"x","type":"offer"}}]"#),
        );
        let got = server.take_for(b);
        assert_eq!(got.len(), 1, "{got:?}");
        assert!(event(&got[0]).to_string().contains(&a_id), "{got:?}");
        peer.emit(
            &mut server,
            json!(["offer", { "to": a_id, "sdp": "x", "type": "offer" }]),
        );
        assert!(event(&server.take_for(a)[0]).to_string().contains(&peer.id));
        server.text(
            a,
            format!(
                r#"42["offer",{{"to":"{}","sdp":"x","type":"offer"}}]"#,
                peer.id
            ),
        );
        let heard = peer.heard(&mut server);
        assert!(heard[0].to_string().contains(&a_id), "{heard:?}");
        assert!(server.take_for(b).is_empty());
    }
}

/// L-17: in other namespaces the socket id is made from the session id and the namespace. Leaving
/// and rejoining does not change it.
#[test]
fn l_17_ids_elsewhere() {
    let mut script = obedient();
    let c = script.upgrade(WEBSOCKET_3);
    let Some(Done::Sent(_, open)) = script.take_for(c).get(1).cloned() else {
        panic!("no open packet");
    };
    script.text(c, "40/n").text(c, "41").text(c, "40");
    let ids: Vec<String> = script
        .core
        .app()
        .sockets
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(ids[0], sid(&open));
    assert_ne!(ids[1], ids[0]);
    assert_eq!(
        ids[2], ids[0],
        "the client derives this id from its session id"
    );
    // The client computes its id as `/n#` and the session id. The server reads it as the id of the
    // same socket.
    let parse = |text: String| SocketId::parse(&text).map(|id| id.to_string());
    assert_eq!(parse(format!("/n#{}", ids[0])).as_ref(), Some(&ids[1]));
    for (text, known) in [
        ("/m#", true),
        ("/N#", true),
        ("/#", false),
        ("#", false),
        ("n#", false),
    ] {
        let id = parse(format!("{text}{}", ids[0]));
        assert_eq!(id.is_some(), known, "{text}");
        assert!(!id.is_some_and(|id| ids.contains(&id)), "{text}");
    }
    assert_eq!(SocketId::parse("/n#"), None);
}

/// L-17: the id that a client computes in a namespace is its own room, which other sockets may not
/// join.
#[test]
fn l_17_ids_elsewhere_are_targets() {
    let namespace = Namespace::parse("/n").unwrap();
    let name = "/n#AAAAAAAAAAAAAAAAAAAA";
    let (id, other) = (SocketId::parse(name).unwrap(), SocketId::new([7; 15]));
    let mut sockets = Sockets::<()>::default();
    for id in [id, other] {
        sockets.connect(id, namespace.clone(), ());
    }
    assert_eq!(
        sockets.select(&Target::all(namespace.clone()).to(name)),
        [id]
    );
    assert_eq!(
        sockets.select(&Target::all(namespace).except(name)),
        [other]
    );
    assert_eq!(sockets.join(other, name), Err(RoomError::ForeignId));
}
