//! Tokens: which are accepted, and which are refused.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use signalbox::room::Config;
use signalbox::room::config::{Limits, TokenSecret, Tokens};

use crate::peer::{Peer, RoomServer, high_rates, server_with};
use crate::support::Done;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The time, in seconds.
pub const NOW: u64 = 1_800_000_000;

pub fn server(required: bool) -> RoomServer {
    server_with_tokens(required, high_rates())
}

/// A room with these limits that checks tokens. Its clock is at [`NOW`], so the tokens of [`token`] are valid.
pub fn server_with_tokens(required: bool, limits: Limits) -> RoomServer {
    let mut server = server_with(Config {
        limits,
        tokens: Tokens {
            secret: TokenSecret::parse(SECRET),
            required,
            ..Tokens::default()
        },
        ..Config::default()
    });
    server.until(NOW * 1000);
    server
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

/// Sends a CONNECT with this token, and returns the reply.
pub fn connect(server: &mut RoomServer, token: &str) -> String {
    let c = server.open_websocket();
    server.text(c, format!("40{}", json!({ "token": token })));
    match server.take_for(c).pop() {
        Some(Done::Sent(_, reply)) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// The code and message of the refusal.
pub fn refusal(reply: &str) -> (String, String) {
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

/// A header is an object that states HS256, once. It has no `crit`, of whatever value: nothing that `crit` may list is
/// understood (RFC 7515, section 4.1.11). Its other fields are ignored.
#[test]
fn headers_that_are_refused() {
    let mut server = server(true);
    let claims = encode(json!({ "room": "room", "exp": NOW + 60 }).to_string());
    let mut reply = |header: &str| {
        let signed = format!("{}.{claims}", encode(header));
        connect(&mut server, &sign(&signed, SECRET))
    };
    for (header, why) in [
        (
            r#"{"alg":"HS256","crit":["b64"]}"#,
            "it is not signed with HS256",
        ),
        (
            r#"{"alg":"HS256","crit":[]}"#,
            "it is not signed with HS256",
        ),
        (
            r#"{"alg":"HS256","crit":null}"#,
            "it is not signed with HS256",
        ),
        (
            r#"{"alg":"HS256","cr\u0069t":null}"#,
            "it is not signed with HS256",
        ),
        (r#"{"alg":"none","alg":"HS256"}"#, "it is no JWT"),
        (r#"{"alg":null}"#, "it is no JWT"),
        (r#"["HS256",null]"#, "it is no JWT"),
    ] {
        let (code, message) = refusal(&reply(header));
        assert_eq!(code, "bad-token");
        assert!(message.ends_with(why), "{header}: {message}");
    }
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":null}"#,
    ] {
        let reply = reply(header);
        assert!(reply.starts_with("40"), "{header}: {reply}");
    }
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
            let mut server = server(required);
            let (code, message) = refusal(&connect(&mut server, &token));
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
        let reply = connect(&mut server(true), &token(claims.clone()));
        assert!(reply.starts_with("40"), "{claims}: {reply}");
    }
}

/// A deployment may limit how long tokens are valid.
#[test]
fn tokens_that_are_valid_for_too_long() {
    let mut server = server_with(Config {
        limits: high_rates(),
        tokens: Tokens {
            secret: TokenSecret::parse(SECRET),
            longest: Some(Duration::from_secs(3600)),
            ..Tokens::default()
        },
        ..Config::default()
    });
    server.until(NOW * 1000);
    let fits = token(json!({ "exp": NOW + 3660 }));
    assert!(
        connect(&mut server, &fits).starts_with("40"),
        "clocks differ"
    );
    let (_, message) = refusal(&connect(&mut server, &token(json!({ "exp": NOW + 3661 }))));
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
        let mut server = server_with(Config {
            limits: high_rates(),
            tokens: Tokens {
                secret: TokenSecret::parse(SECRET),
                old_secret: old.and_then(TokenSecret::parse),
                required: true,
                ..Tokens::default()
            },
            ..Config::default()
        });
        server.until(NOW * 1000);
        assert!(connect(&mut server, &of(SECRET)).starts_with("40"));
        assert_eq!(connect(&mut server, &of(OLD)).starts_with("40"), lets_in);
        let (code, _) = refusal(&connect(&mut server, &of("of neither")));
        assert_eq!(code, "bad-token");
    }
}

#[test]
fn tokens_are_required_or_optional() {
    let (code, _) = refusal(&{
        let mut server = server(true);
        let c = server.open_websocket();
        server.text(c, "40");
        match server.take_for(c).pop() {
            Some(Done::Sent(_, reply)) => reply,
            other => panic!("no reply: {other:?}"),
        }
    });
    assert_eq!(code, "bad-token");
    let mut open = server(false);
    assert_eq!(Peer::connect(&mut open).join(&mut open, "Bob")["ok"], true);
    // Without a secret tokens are not checked, and may be the application's own.
    let mut without = server_with(Config::default());
    assert!(connect(&mut without, "x").starts_with("40"));
}
