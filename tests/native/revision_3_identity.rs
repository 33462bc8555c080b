//! Revision 3 shows a session's id to others. They try to use it from another address, or with a
//! wrong or missing cookie, in every state of the session.

use signalbox::engine::Config;
use signalbox::io::Method;

use crate::raw::{Raw, conformance, script};
use crate::support::{
    Done, POLLING_3, Script, WEBSOCKET_3, accepted, dismissed, ok, refused, refused_upgrade, sent,
};

const CLIENT: &str = "192.0.2.1";
const STRANGER: &str = "198.51.100.7";

/// `Cookie` headers without the client's cookie: empty, with the cookie of another client, or with an
/// invalid one.
const FOREIGN: [&str; 4] = [
    "",
    "signalbox=AAAAAAAAAAAAAAAAAAAA",
    "signalbox=short; other=1",
    "signalbox=",
];

/// Whether the client returns the cookie.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Jar {
    Kept,
    Absent,
}

struct Client {
    script: Script<Raw>,
    session: String,
    cookie: String,
    jar: Jar,
}

/// A client with a polling session whose id everybody knows.
fn client(jar: Jar) -> Client {
    let mut script = script(conformance());
    let session = script.open_revision_3(POLLING_3);
    let set = script.set_cookie.take().expect("a cookie");
    let (cookie, attributes) = set.split_once("; ").expect("attributes");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    let mut client = Client {
        script,
        session,
        cookie: cookie.to_owned(),
        jar,
    };
    client.own();
    client
}

impl Client {
    /// Later requests come from the client: they have its address and, if it returns the cookie, the
    /// cookie.
    fn own(&mut self) -> &mut Script<Raw> {
        CLIENT.clone_into(&mut self.script.address);
        self.script.cookies = match self.jar {
            Jar::Kept => format!("theme=dark; {}", self.cookie),
            Jar::Absent => String::new(),
        };
        &mut self.script
    }

    fn post(&mut self, body: &str) {
        let session = self.session.clone();
        let post = self.own().post(&session, body);
        assert_eq!(self.script.take_for(post), [ok(post)]);
    }

    fn websocket(&self) -> String {
        self.session.replace("polling", "websocket")
    }

    /// Other clients try everything. Each request is refused, or its WebSocket is closed. The session does
    /// not change.
    fn attack(&mut self, case: &str) {
        let mut strangers = Vec::new();
        for cookie in FOREIGN
            .map(str::to_owned)
            .into_iter()
            .chain([self.cookie.clone()])
        {
            for address in [STRANGER, "", "2001:db8::/64"] {
                strangers.push((address, cookie.clone()));
            }
            if self.jar == Jar::Kept && cookie != self.cookie {
                strangers.push((CLIENT, cookie)); // from the same network
            }
        }
        let before = self.script.platform.stored();
        for (address, cookies) in strangers {
            address.clone_into(&mut self.script.address);
            self.script.cookies = cookies;
            self.attack_from(&self.session.clone(), case);
            self.attack_from(&self.session.replace("EIO=3", "EIO=4"), case);
        }
        assert_eq!(self.script.platform.stored(), before, "{case}");
        self.own();
    }

    fn attack_from(&mut self, session: &str, case: &str) {
        let is_upgraded = case.starts_with("it is upgraded");
        let script = &mut self.script;
        let websocket = self.session.replace("polling", "websocket");
        let detail = format!("{case}: {session} {} {}", script.address, script.cookies);
        for method in [Method::Get, Method::Post, Method::Other] {
            for body in ["1:1", "2:4x", "", "junk", "1"] {
                let request = script.request(method, session, "text/plain", body);
                assert_eq!(script.take(), [refused(request, 1)], "{detail}");
            }
        }
        for query in [session.to_owned(), session.replace("polling", "websocket")] {
            let request = script.upgrade(&query);
            let expected = match (is_upgraded, query == websocket) {
                (false, _) => refused_upgrade(request, 1),
                (true, true) => dismissed(request),
                (true, false) => refused_upgrade(request, 3),
            };
            assert_eq!(script.take(), [expected], "{detail}");
            let request = script.get(&query);
            assert_eq!(script.take(), [refused(request, 1)], "{detail}");
        }
        assert_eq!(script.core.ended, [], "{detail}");
    }
}

/// L-19: strangers cannot use the session while it polls, during the upgrade or after it.
#[test]
fn l_19_strangers_find_no_session() {
    for jar in [Jar::Kept, Jar::Absent] {
        for lose in [false, true] {
            let mut client = client(jar);
            let between = |client: &mut Client, case| {
                if lose {
                    client.own().lose_memory();
                }
                client.attack(&format!("{case}, {jar:?}, {lose}"));
            };
            client.post("2:4a");
            between(&mut client, "a message waits");
            let session = client.session.clone();
            let poll = client.own().get(&session);
            assert!(format!("{:?}", client.script.take_for(poll)).contains("2:4a"));
            between(&mut client, "it is between two polls");
            let poll = client.own().get(&session);
            between(&mut client, "a poll is pending");
            let websocket = client.websocket();
            let probe = client.own().upgrade(&websocket);
            assert_eq!(client.script.take(), [accepted(probe)]);
            between(&mut client, "a WebSocket is open");
            client.own().text(probe, "2probe");
            let then = client.script.now() + 20;
            client.script.until(then);
            let done = client.script.take();
            assert!(done.contains(&sent(probe, "3probe")), "{done:?}");
            between(&mut client, "it was probed");
            client.own().text(probe, "5").text(probe, "4up");
            assert!(client.script.take().contains(&sent(probe, "4up")), "{poll}");
            between(&mut client, "it is upgraded");
            client.own().text(probe, "4alive");
            assert_eq!(client.script.take(), [sent(probe, "4alive")]);
        }
    }
}

/// L-18: a session on a WebSocket accepts no poll, no POST and no second WebSocket, from any
/// client.
#[test]
fn l_18_a_websocket_takes_no_requests() {
    let mut script = script(conformance());
    let c = script.upgrade(WEBSOCKET_3);
    let done = script.take_for(c);
    let [Done::Accepted(_), Done::Sent(_, open)] = &done[..] else {
        panic!("{done:?}");
    };
    assert_eq!(script.set_cookie, None);
    let sid = &open.split('"').nth(3).expect("a sid").to_owned();
    for lose in [false, true] {
        if lose {
            script.lose_memory();
        }
        for transport in ["polling", "websocket"] {
            let query = format!("EIO=3&transport={transport}&sid={sid}");
            let get = script.get(&query);
            let post = script.post(&query, "1:1");
            script.expect([refused(get, 1), refused(post, 1)]);
        }
        // The protocol's own test suite expects a WebSocket that is accepted and closed, not an HTTP error.
        let second = script.upgrade(&format!("{WEBSOCKET_3}&sid={sid}"));
        script.expect([dismissed(second)]);
        script.text(c, "4alive").expect([sent(c, "4alive")]);
    }
}

/// L-19: after the client has returned the cookie once, it must always return it. A client that
/// never does is identified by its address alone.
#[test]
fn l_19_a_cookie_that_was_returned_is_required() {
    let mut bound = client(Jar::Kept);
    let session = bound.session.clone();
    let (own, none) = (bound.cookie.clone(), String::new());
    for (cookies, passes) in [(&none, true), (&own, true), (&none, false), (&own, true)] {
        bound.own().cookies.clone_from(cookies);
        bound.script.lose_memory();
        bound.script.take();
        let post = bound.script.post(&session, "1:2");
        let expected = if passes { ok(post) } else { refused(post, 1) };
        assert_eq!(bound.script.take_for(post), [expected], "{cookies}");
    }
}

/// L-21: the cookie belongs to the browser: its pages share it, and the server sets none for a later page.
#[test]
fn l_21_pages_share_the_cookie() {
    let mut first = client(Jar::Kept);
    let session = first.session.clone();
    first.post("2:4a");
    let second = first.own().open_revision_3(POLLING_3);
    assert_eq!(first.script.set_cookie, None);
    for session in [&session, &second] {
        let post = first.own().post(session, "1:2");
        assert_eq!(first.script.take_for(post), [ok(post)]);
    }
    // The second session requires the cookie from the beginning.
    first.script.cookies.clear();
    let post = first.script.post(&second, "1:2");
    first.script.expect_of(post, [refused(post, 1)]);
    // Invalid cookies are replaced.
    for cookies in FOREIGN
        .iter()
        .skip(2)
        .chain(&["sid=x", "xsignalbox=AAAAAAAAAAAAAAAAAAAA"])
    {
        (*cookies).clone_into(&mut first.script.cookies);
        first.script.open_revision_3(POLLING_3);
        let set = first.script.set_cookie.take().expect("a cookie");
        assert!(
            set.starts_with("signalbox=") && !set.contains("AAAAAAAAA"),
            "{set}"
        );
    }
}

/// L-20: only its client gets the last packets of an ended session.
#[test]
fn l_20_a_farewell_is_for_the_client() {
    for jar in [Jar::Kept, Jar::Absent] {
        for lose in [false, true] {
            let mut client = client(jar);
            client.post("2:4a4:4bye");
            if lose {
                client.script.lose_memory();
            }
            client.script.core.ended.clear();
            client.attack("it has ended");
            let session = client.session.clone();
            for body in ["2:4a", "1:61:1"] {
                let poll = client.own().get(&session);
                let done = client.script.take_for(poll);
                assert!(
                    matches!(&done[..], [Done::Responded(_, 200, _, b)] if b == body),
                    "{done:?}"
                );
            }
            let poll = client.own().get(&session);
            assert_eq!(client.script.take_for(poll), [refused(poll, 1)]);
        }
    }
}

/// L-19: a session of revision 4 can be used from any address, because its id is a secret.
#[test]
fn l_19_revision_4_is_not_bound() {
    let mut script = script(Config {
        revision_3: true,
        ..conformance()
    });
    let sid = script.open_polling();
    assert_eq!(script.set_cookie, None);
    STRANGER.clone_into(&mut script.address);
    let post = script.send(&sid, "3");
    script.expect([ok(post)]);
}
