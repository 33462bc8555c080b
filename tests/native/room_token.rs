//! Tokens: who may enter, and in which role.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use signalbox::room::Config;
use signalbox::room::config::{Limits, TokenSecret, Tokens};

use crate::peer::{Hall, Peer, hall_with, unhurried};
use crate::support::Done;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The time, in seconds.
const NOW: u64 = 1_800_000_000;

fn hall(required: bool) -> Hall {
    hall_with_tokens(required, unhurried())
}

/// A room with these limits that checks tokens, at the time for which [`token`] makes them.
pub fn hall_with_tokens(required: bool, limits: Limits) -> Hall {
    let mut hall = hall_with(Config {
        limits,
        tokens: Tokens {
            secret: TokenSecret::parse(SECRET),
            required,
            ..Tokens::default()
        },
        ..Config::default()
    });
    hall.until(NOW * 1000);
    hall
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    )
}

fn sign(text: &str, secret: &str) -> String {
    let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let signature = hmac.chain_update(text).finalize().into_bytes();
    format!("{text}.{}", encode(signature))
}

/// A token with these claims, for this room, valid for a minute.
pub fn token(claims: Value) -> String {
    let mut all = json!({ "room": "room", "exp": NOW + 60 });
    let Value::Object(claims) = claims else {
        panic!("claims are an object");
    };
    all.as_object_mut().unwrap().extend(claims);
    sign(
        &unsigned(&json!({ "alg": "HS256", "typ": "JWT" }), &all),
        SECRET,
    )
}

/// A token whose claims are this text.
fn written(claims: &str) -> String {
    let header = encode(json!({ "alg": "HS256" }).to_string());
    sign(&format!("{header}.{}", encode(claims)), SECRET)
}

/// The CONNECT with this token, and its reply.
fn connect(hall: &mut Hall, token: &str) -> String {
    let c = hall.open_websocket();
    hall.text(c, format!("40{}", json!({ "token": token })));
    match hall.take_of(c).pop() {
        Some(Done::Sent(_, reply)) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// The code and message of the refusal.
fn refusal(reply: &str) -> (String, String) {
    let error: Value = serde_json::from_str(reply.strip_prefix("44").expect(reply)).unwrap();
    let data = &error["data"];
    assert_eq!(data["message"], error["message"]);
    let text = |field: &str| data[field].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

/// The signed example of RFC 7515, appendix A.1.
#[test]
fn signatures_match_the_rfc_example() {
    let jws = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    let key = BASE64_URL_SAFE_NO_PAD.decode(key).unwrap();
    let hmac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    assert_eq!(
        encode(hmac.chain_update(signed).finalize().into_bytes()),
        signature
    );
}

#[test]
fn a_client_with_a_token_enters_under_its_name() {
    let mut hall = hall(true);
    let peer = Peer::connect_with(
        &mut hall,
        &json!({ "token": token(json!({ "name": "Ada" })) }),
    );
    let joined = peer.join(&mut hall, "Somebody else");
    assert_eq!(joined["self"]["name"], "Ada");
    assert_eq!(
        peer.refusal(&mut hall, &json!(["peer:update", { "name": "Bob" }])),
        "forbidden"
    );
    let hand = peer.call(&mut hall, json!(["peer:update", { "hand": true }]));
    assert_eq!(hand["ok"], true);
    let nameless = Peer::connect_with(&mut hall, &json!({ "token": token(json!({})) }));
    assert_eq!(nameless.join(&mut hall, "Bob")["self"]["name"], "Bob");
}

#[test]
fn tokens_that_are_refused() {
    let claims = json!({ "room": "room", "exp": NOW + 60 });
    let header = json!({ "alg": "HS256" });
    let good = sign(&unsigned(&header, &claims), SECRET);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let longer = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
    let hs512 = unsigned(&json!({ "alg": "HS512" }), &claims);
    let hs512_signature = encode(longer.chain_update(&hs512).finalize().into_bytes());
    let other = unsigned(
        &header,
        &json!({ "room": "room", "exp": NOW + 60, "role": "host" }),
    );
    let none = |alg: &str| unsigned(&json!({ "alg": alg }), &claims);
    let wrong = "its signature is wrong";
    for (token, why) in [
        (String::new(), "it is no JWT"),
        ("x".to_owned(), "it is no JWT"),
        ("..".to_owned(), "it is no JWT"),
        ("😀.\u{0}.é".to_owned(), "it is no JWT"),
        (format!("{}.", none("none")), "it is not signed with HS256"),
        (none("none"), "it is no JWT"),
        (sign(&none("none"), SECRET), "it is not signed with HS256"),
        (sign(&none("None"), SECRET), "it is not signed with HS256"),
        (sign(&none("RS256"), SECRET), "it is not signed with HS256"),
        (
            format!("{hs512}.{hs512_signature}"),
            "it is not signed with HS256",
        ),
        (
            sign(
                &unsigned(&json!({ "alg": "HS256", "crit": ["b64"] }), &claims),
                SECRET,
            ),
            "it is not signed with HS256",
        ),
        (sign(&unsigned(&json!({}), &claims), SECRET), "it is no JWT"),
        (format!("{signed}."), wrong),
        (format!("{signed}.{}", &signature[..20]), wrong),
        (format!("{signed}.{signature}A"), wrong),
        (format!("{other}.{signature}"), wrong),
        (sign(&unsigned(&header, &claims), "another secret"), wrong),
        (sign(&unsigned(&header, &claims), ""), wrong),
        (token(json!({ "room": "Room" })), "it is for another room"),
        (token(json!({ "room": "*" })), "it is for another room"),
        (token(json!({ "room": null })), "its room is missing"),
        (token(json!({ "room": 7 })), "its room has to be a text"),
        (token(json!({ "exp": null })), "its exp is missing"),
        (
            token(json!({ "exp": "2099" })),
            "its exp has to be a number of seconds since 1970",
        ),
        (
            token(json!({ "nbf": true })),
            "its nbf has to be a number of seconds since 1970",
        ),
        (
            token(json!({ "exp": (NOW + 60) * 1000 })),
            "its exp is in milliseconds: it has to be in seconds",
        ),
        (
            token(json!({ "nbf": NOW * 1000 })),
            "its nbf is in milliseconds: it has to be in seconds",
        ),
        (token(json!({ "sub": 7 })), "its sub has to be a text"),
        (token(json!({ "ref": {} })), "its ref has to be a text"),
        (token(json!({ "name": [] })), "its name has to be a text"),
        (
            token(json!({ "role": ["host"] })),
            "its role has to be a text",
        ),
        (
            token(json!({ "role": "Host" })),
            "its role has to be written \"host\"",
        ),
        (
            written(r#"{"room":"room","exp":1e400}"#),
            "its exp has to be a number of seconds since 1970",
        ),
        (
            written(r#"{"room":"room","exp":1800000060,"exp":1800000060}"#),
            "its exp is there twice",
        ),
        (written("[]"), "it is no JWT"),
        (written("{"), "it is no JWT"),
        (token(json!({ "exp": NOW - 60 })), "it has expired"),
        (token(json!({ "exp": -1 })), "it has expired"),
        (token(json!({ "nbf": NOW + 61 })), "it is not valid yet"),
    ] {
        for required in [true, false] {
            let mut hall = hall(required);
            let (code, message) = refusal(&connect(&mut hall, &token));
            assert_eq!(code, "bad-token");
            assert_eq!(
                message,
                format!("this token does not let you in: {why}"),
                "{token}"
            );
        }
    }
}

/// Clocks may differ by a minute.
#[test]
fn tokens_at_their_limits() {
    for claims in [
        json!({ "exp": NOW - 59 }),
        json!({ "exp": 1.8e9 + 0.5 }),
        json!({ "exp": 9e10 }),
        json!({ "sub": null, "ref": null, "name": null, "role": null, "nbf": null }),
        json!({ "nbf": NOW + 60 }),
        json!({ "nbf": 0, "iat": NOW, "iss": "us", "aud": ["a"], "role": "guest" }),
    ] {
        let reply = connect(&mut hall(true), &token(claims.clone()));
        assert!(reply.starts_with("40"), "{claims}: {reply}");
    }
}

/// A deployment may limit how long tokens are valid.
#[test]
fn tokens_that_are_valid_for_too_long() {
    let mut hall = hall_with(Config {
        limits: unhurried(),
        tokens: Tokens {
            secret: TokenSecret::parse(SECRET),
            longest: Some(Duration::from_secs(3600)),
            ..Tokens::default()
        },
        ..Config::default()
    });
    hall.until(NOW * 1000);
    let fits = token(json!({ "exp": NOW + 3660 }));
    assert!(connect(&mut hall, &fits).starts_with("40"), "clocks differ");
    let (_, message) = refusal(&connect(&mut hall, &token(json!({ "exp": NOW + 3661 }))));
    let why = "this token does not let you in: it is valid for longer than MAX_TOKEN_LIFE";
    assert_eq!(message, why);
}

/// During a change of secrets, tokens of the old and the new secret are accepted.
#[test]
fn a_change_of_secrets_disconnects_no_client() {
    const OLD: &str = "an old secret of 32 or more characters";
    let claims = json!({ "room": "room", "exp": NOW + 60 });
    let of = |secret| sign(&unsigned(&json!({ "alg": "HS256" }), &claims), secret);
    for (old, lets_in) in [(Some(OLD), true), (None, false)] {
        let mut hall = hall_with(Config {
            limits: unhurried(),
            tokens: Tokens {
                secret: TokenSecret::parse(SECRET),
                old_secret: old.and_then(TokenSecret::parse),
                required: true,
                ..Tokens::default()
            },
            ..Config::default()
        });
        hall.until(NOW * 1000);
        assert!(connect(&mut hall, &of(SECRET)).starts_with("40"));
        assert_eq!(connect(&mut hall, &of(OLD)).starts_with("40"), lets_in);
        let (code, _) = refusal(&connect(&mut hall, &of("of neither")));
        assert_eq!(code, "bad-token");
    }
}

#[test]
fn tokens_are_required_or_optional() {
    let (code, _) = refusal(&{
        let mut hall = hall(true);
        let c = hall.open_websocket();
        hall.text(c, "40");
        match hall.take_of(c).pop() {
            Some(Done::Sent(_, reply)) => reply,
            other => panic!("no reply: {other:?}"),
        }
    });
    assert_eq!(code, "bad-token");
    let mut open = hall(false);
    assert_eq!(Peer::connect(&mut open).join(&mut open, "Bob")["ok"], true);
    // Without a secret tokens are not checked, and may be the application's own.
    let mut without = hall_with(Config::default());
    assert!(connect(&mut without, "x").starts_with("40"));
}

/// A token may make its holder host, past lock, password and the current host.
#[test]
fn a_host_by_token() {
    let mut hall = hall(false);
    let first = Peer::connect(&mut hall);
    first.join(&mut hall, "First");
    first.emit(&mut hall, json!(["host:lock", { "on": true }]));
    first.emit(
        &mut hall,
        json!(["host:password", { "password": "secret" }]),
    );
    first.heard(&mut hall);
    let admin = json!({ "token": token(json!({ "role": "admin" })) });
    let admin = Peer::connect_with(&mut hall, &admin);
    assert_eq!(
        admin.refusal(&mut hall, &json!(["room:join"])),
        "bad-password"
    );
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let host = Peer::connect_with(&mut hall, &auth);
    assert_eq!(host.join(&mut hall, "Host")["self"]["host"], true);
    let heard = first.heard(&mut hall);
    assert_eq!(
        heard.last(),
        Some(&json!(["room:state", { "host": host.id }])),
        "{heard:?}"
    );
    hall.kill();
    let host = host.reconnect(&mut hall);
    assert!(host.recovered);
    assert_eq!(
        host.call(&mut hall, json!(["host:lock", { "on": false }])),
        json!({ "ok": true })
    );
}

/// If the host leaves, another host by token is next, then the peer that has been here longest.
#[test]
fn a_host_by_token_is_the_next_host() {
    let mut hall = hall(false);
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let guest = Peer::connect(&mut hall);
    let hosts = [(); 2].map(|()| Peer::connect_with(&mut hall, &auth));
    let [first, second] = &hosts;
    guest.join(&mut hall, "Guest");
    for host in &hosts {
        host.join(&mut hall, "Host");
    }
    for (leaving, host) in [(second, first), (first, &guest)] {
        guest.heard(&mut hall);
        leaving.emit(&mut hall, json!(["room:leave"]));
        let state = json!(["room:state", { "host": host.id }]);
        assert_eq!(guest.heard(&mut hall).pop(), Some(state));
    }
}

/// A host by token is not banned by address. A ban of a subject applies to its other sockets too.
#[test]
fn a_ban_of_a_subject_applies_to_all_its_sockets() {
    let mut hall = hall(false);
    let host = Peer::connect(&mut hall);
    host.join(&mut hall, "Host");
    "198.51.100.7".clone_into(&mut hall.address);
    let eve = json!({ "token": token(json!({ "sub": "eve" })) });
    let guest = Peer::connect_with(&mut hall, &eve);
    "203.0.113.5".clone_into(&mut hall.address);
    let elsewhere = Peer::connect_with(&mut hall, &eve);
    elsewhere.join(&mut hall, "Eve");
    host.emit(&mut hall, json!(["host:kick", { "id": guest.id }]));
    let chat = json!(["chat-message", "hi"]);
    assert_eq!(elsewhere.call(&mut hall, &chat)["ok"], true, "a peer");
    elsewhere.emit(&mut hall, json!(["room:leave"]));
    for event in [chat, json!(["room:join", {}])] {
        assert_eq!(elsewhere.refusal(&mut hall, &event), "kicked");
    }
    "198.51.100.7".clone_into(&mut hall.address);
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let owner = Peer::connect_with(&mut hall, &auth);
    assert_eq!(owner.join(&mut hall, "Owner")["self"]["host"], true);
}

/// A name in a token that is too long is cut: the client cannot change it.
#[test]
fn a_long_name_in_a_token_is_cut() {
    let mut hall = hall(false);
    let name = format!(" {} ", "é".repeat(65));
    let auth = json!({ "token": token(json!({ "name": name })) });
    let peer = Peer::connect_with(&mut hall, &auth);
    let joined = peer.join(&mut hall, "Somebody else");
    assert_eq!(joined["self"]["name"], "é".repeat(64));
}

/// A kicked client with a token is banned by its subject, from any address. Others from its address
/// are not banned if they have tokens of their own.
#[test]
fn a_kick_bans_the_subject() {
    let mut hall = hall(false);
    let host = Peer::connect(&mut hall);
    host.join(&mut hall, "Host");
    "198.51.100.7".clone_into(&mut hall.address);
    let of = |sub: &str| token(json!({ "sub": sub }));
    let guest = Peer::connect_with(&mut hall, &json!({ "token": of("eve") }));
    host.call(&mut hall, json!(["host:kick", { "id": guest.id }]));
    let barred = |hall: &mut Hall, token: &str| {
        let reply = connect(hall, token);
        reply.starts_with("44") && refusal(&reply).0 == "kicked"
    };
    hall.kill();
    assert!(barred(&mut hall, &of("eve")));
    assert!(!barred(&mut hall, &of("ann")));
    assert!(
        barred(&mut hall, &token(json!({}))),
        "a token that names nobody"
    );
    "192.0.2.1".clone_into(&mut hall.address);
    assert!(barred(&mut hall, &of("eve")), "from elsewhere");
    assert!(!barred(&mut hall, &token(json!({}))));
    hall.late(NOW * 1000 + 600_000);
    let later = token(json!({ "sub": "eve", "exp": NOW + 6_000 }));
    assert!(!barred(&mut hall, &later));
}
