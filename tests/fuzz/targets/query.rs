//! Any request: it is answered once, as the table of errors says.

use signalbox::io::Method;

use crate::raw::{conformance, script};
use crate::support::{Done, refused, refused_upgrade, session_id};

/// The first byte is the kind of the request. The rest is its query, in which `P` stands for the `sid` of a
/// session that polls and `W` for the `sid` of a session on a WebSocket. Returns the code of the error.
pub fn query(bytes: &[u8]) -> Option<u8> {
    let (kind, query) = bytes.split_first()?;
    let (polling, websocket) = (session_id(1), session_id(2));
    let query = std::str::from_utf8(query).ok()?;
    let query = query.replace('P', &polling).replace('W', &websocket);
    let mut script = script(conformance());
    script.open_polling();
    script.open_websocket();
    let upgrade = kind % 4 == 3;
    let method = [Method::Get, Method::Post, Method::Other, Method::Get][usize::from(kind % 4)];
    let transport_of = |sid: &str| match sid {
        sid if sid == polling => Some("polling"),
        sid if sid == websocket => Some("websocket"),
        _ => None,
    };
    let code = rejection(&query, method, upgrade, transport_of);
    script.take();
    let request = if upgrade {
        script.upgrade(&query)
    } else {
        script.request(method, &query, "text/plain", "4hello")
    };
    let done = script.take_for(request);
    match (code, &done[..]) {
        (Some(code), [answer]) if upgrade => assert_eq!(*answer, refused_upgrade(request, code)),
        (Some(code), [answer]) => assert_eq!(*answer, refused(request, code)),
        (None, [Done::Accepted(_) | Done::Dismissed(_), ..]) => assert!(upgrade),
        (None, [Done::Responded(_, 200, ..)]) => assert!(!upgrade),
        (None, []) => assert!(
            method == Method::Get && !upgrade,
            "nothing but a poll waits"
        ),
        (code, done) => panic!("{query:?} is to get {code:?} and got {done:?}"),
    }
    script.until(1_000_000);
    assert!(script.requests.is_empty() && script.connections.is_empty());
    code
}

/// The checks, in the order of the table of errors (E-1).
fn rejection<'a>(
    query: &str,
    method: Method,
    upgrade: bool,
    transport_of: impl Fn(&str) -> Option<&'a str>,
) -> Option<u8> {
    let last = |name| {
        let parameters = query.split('&').filter_map(|part| part.split_once('='));
        let mut values = parameters.filter(|(key, _)| *key == name);
        values.next_back().map_or("", |(_, value)| value)
    };
    let (transport, sid, revision) = (last("transport"), last("sid"), last("EIO"));
    let session = transport_of(sid);
    let checks = [
        (0, !["polling", "websocket"].contains(&transport)),
        (1, !sid.is_empty() && session.is_none()),
        (
            3,
            !upgrade && session.is_some_and(|of_session| of_session != transport),
        ),
        (3, session.is_some() && revision != "4"),
        (2, session.is_none() && method != Method::Get),
        (3, method == Method::Other),
        (3, upgrade != (transport == "websocket")),
        (5, !["3", "4"].contains(&revision)),
    ];
    let failed = checks.into_iter().find(|(_, failed)| *failed);
    failed.map(|(code, _)| code)
}
