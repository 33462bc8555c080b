//! `Query::precheck`: the errors of a request that do not depend on the sessions. The Worker checks
//! them before it forwards a request to an object.

use signalbox::engine::{Config, Query, Rejection};
use signalbox::io::{Headers, Method, Request, Response};

use crate::raw::{Raw, conformance, script};
use crate::support::{Done, Script, session_id, websocket};

/// The engines that a request may meet: empty, full, or with the session `session_id(1)` that
/// polls, probes, or is on a WebSocket.
fn engines() -> [Script<Raw>; 5] {
    let full = Config {
        max_sessions: 0,
        ..conformance()
    };
    let mut polling = script(conformance());
    polling.open_polling();
    let mut probing = script(conformance());
    probing.open_probe();
    let mut upgraded = script(conformance());
    upgraded.open_websocket();
    [
        script(conformance()),
        script(full),
        polling,
        probing,
        upgraded,
    ]
}

/// The only answer to a request, if it is a refusal.
fn refusal(engine: &mut Script<Raw>, method: Method, query: &str, upgrade: bool) -> Option<Done> {
    engine.take();
    let request = engine.ask(|reply| Request {
        reply,
        method,
        query: query.to_owned(),
        upgrade,
        address: String::new(),
        content_type: "text/plain;charset=UTF-8".to_owned(),
        headers: Headers::default(),
        body: b"4hello".to_vec(),
    });
    match engine.take_for(request).as_slice() {
        [Done::Responded(_, status, kind, body)] if *status != 200 => {
            Some(Done::Responded(0, *status, *kind, body.clone()))
        }
        _ => None,
    }
}

fn response(rejection: Rejection, upgrade: bool) -> Done {
    let Response {
        status,
        content_type,
        body,
        ..
    } = if upgrade {
        rejection.upgrade_response()
    } else {
        rejection.response()
    };
    Done::Responded(0, status, content_type, body)
}

/// Every combination of revision, transport and `sid`.
fn queries() -> Vec<String> {
    let (known, unknown) = (session_id(1), session_id(999));
    let sids = [
        String::new(),
        "&sid=".to_owned(),
        format!("&sid={known}"),
        format!("&sid={unknown}"),
        "&sid=short".to_owned(),
        "&sid=%2B".to_owned(),
        format!("&sid={known}x"),
        format!("&sid=+{}", &known[1..]),
        format!("&sid={}", "ÄÖ".repeat(5)),
    ];
    let mut queries = Vec::new();
    for transport in ["polling", "websocket", "webtransport", ""] {
        for revision in ["EIO=4&", "EIO=3&", "EIO=5&", "EIO=&", ""] {
            let query = |sid| format!("{revision}transport={transport}{sid}");
            queries.extend(sids.iter().map(query));
        }
    }
    queries
}

/// E-1: the check refuses exactly what every engine refuses, with the same answer. Only an engine
/// can tell that a well-formed `sid` is unknown.
#[test]
fn e_1_a_request_invalid_for_any_session_is_refused_without_an_engine() {
    let mut refused = 0;
    for (method, upgrade) in [Method::Get, Method::Post, Method::Other]
        .into_iter()
        .flat_map(|method| [(method, false), (method, true)])
    {
        let unknown = response(Rejection::UnknownSid, upgrade);
        for query in queries() {
            let answers = engines().map(|mut engine| refusal(&mut engine, method, &query, upgrade));
            let [first, others @ ..] = &answers;
            let may_exist = query.contains(&session_id(999)) && *first == Some(unknown.clone());
            let agreed = first
                .clone()
                .filter(|_| others.iter().all(|other| other == first));
            let expected = agreed.filter(|_| !may_exist);
            let found = Query::parse(&query).precheck(method, upgrade, &conformance());
            let found = found.map(|rejection| response(rejection, upgrade));
            assert_eq!(found, expected, "{method:?} {query} upgrade: {upgrade}");
            refused += usize::from(found.is_some());
        }
    }
    assert!(refused > 400, "{refused} were refused");
}

/// E-6: a full engine still says that a revision is unsupported, and not that it is full, so that the client does
/// not retry.
#[test]
fn e_6_a_full_engine_still_reports_an_invalid_handshake() {
    let [_, mut full, ..] = engines();
    for (query, upgrade, rejection) in [
        (
            "EIO=5&transport=polling",
            false,
            Rejection::UnsupportedProtocol,
        ),
        (
            "EIO=2&transport=websocket",
            true,
            Rejection::UnsupportedProtocol,
        ),
        ("EIO=4&transport=websocket", false, Rejection::BadRequest),
        ("EIO=4&transport=polling", false, Rejection::Full),
        ("EIO=4&transport=websocket", true, Rejection::Full),
        (&websocket(&session_id(999)), true, Rejection::UnknownSid),
    ] {
        let answer = refusal(&mut full, Method::Get, query, upgrade);
        assert_eq!(answer, Some(response(rejection, upgrade)), "{query}");
    }
}
