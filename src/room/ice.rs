//! ICE servers for peers. The credentials of relays are made for each peer, or requested from
//! Cloudflare.
//!
//! ```text
//! room:join, room:admitted, ice:get ──▶ supply ──▶ grant
//!                                         └─ Cloudflare: Post … Posted ─▶ grant to all
//! ```

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::Room;
use super::config::{Ice, Relay};
use super::contract::{IceServers, names};
use super::error::{Code, Error};
use super::fields::Fields;
use super::ice_url::Scheme;
use super::turn::Turn;
use crate::base64;
use crate::io::{Answer, Post, Recipient};
use crate::socket::{Ack, Command, Json, Object, SocketId};
use crate::time::Timestamp;

/// The `ttl` of servers that need no credentials of ours, in seconds.
const UNCHANGING: u64 = 86_400;

/// The `ttl` in seconds if there is no relay at the moment: peers ask again after it.
const RETRY: u64 = 60;

/// The number of the request for credentials. There is one at a time.
pub(super) const POST: u64 = 0;

/// How long joins wait for credentials.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Why a peer needs ICE servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Join,
    /// A join that the host admitted.
    Admission,
    Get,
}

/// A peer that waits for ICE servers. It is not stored: after a loss of memory its client asks again.
pub(super) struct Waiting {
    id: SocketId,
    want: Want,
    ack: Option<Ack>,
    /// The number of the last chat message at the time of the request. The peer gets later ones as
    /// events.
    seq: u64,
}

impl Room {
    /// Sends ICE servers to a peer: at once, or when Cloudflare has answered.
    pub(super) fn supply(&mut self, turn: &mut Turn, id: SocketId, want: Want) {
        if turn.ack.is_none() && want != Want::Admission {
            return; // the client asked for no ack, so it would not get them
        }
        let seq = self.counters.last_seq();
        match self.config.ice.at_hand(turn.now, self.name.as_str(), id) {
            Ok(servers) => self.grant(turn, (id, seq), want, &servers),
            Err(post) => {
                // A peer that asks while a request is pending gets the answer to that request.
                if self.waiting.is_empty() {
                    turn.out.push(Command::Post(post));
                }
                let ack = turn.ack.take_if(|_| want != Want::Admission); // this ack is the host's
                self.waiting.push(Waiting { id, want, ack, seq });
            }
        }
    }

    fn grant(
        &mut self,
        turn: &mut Turn,
        (id, seq): (SocketId, u64),
        want: Want,
        servers: &IceServers,
    ) {
        if want == Want::Get {
            return turn.succeed(|| Object::of(servers));
        }
        let Some(mut snapshot) = self.snapshot(id, servers) else {
            return;
        };
        snapshot.history.retain(|message| message.seq <= seq);
        if want == Want::Join {
            turn.succeed(|| Object::of(&snapshot));
        } else {
            let snapshot = Json::of(&snapshot);
            turn.emit(vec![id], names::ROOM_ADMITTED, vec![snapshot]);
        }
    }

    /// Cloudflare answered, or the request failed. All waiting peers get the servers that are available.
    pub(super) fn posted(
        &mut self,
        now: Timestamp,
        answer: Result<Answer, String>,
        out: &mut Vec<Command>,
    ) {
        let ice = &self.config.ice;
        let mut ice_servers = ice.unchanging();
        let ttl = match answer.and_then(|answer| relays(&answer)) {
            Ok(relays) => {
                ice_servers.extend(relays);
                ice.ttl
            }
            Err(reason) => {
                self.log(now, "no-relay", None, None, Some(&reason));
                RETRY
            }
        };
        let servers = IceServers { ice_servers, ttl };
        for waiting in std::mem::take(&mut self.waiting) {
            let Waiting { id, want, ack, seq } = waiting;
            let mut turn = Turn::new(now, out);
            turn.ack = ack;
            if self.is_peer(id) {
                self.grant(&mut turn, (id, seq), want, &servers);
            } else if turn.ack.is_some() {
                let error = Error::new(Code::NotJoined, "room:leave came before the answer");
                turn.fail(id, want.event(), &error);
            }
            turn.acknowledge();
        }
    }
}

impl Want {
    fn event(self) -> &'static str {
        match self {
            Self::Get => names::ICE_GET,
            _ => names::ROOM_JOIN,
        }
    }
}

impl Ice {
    /// The servers that are the same for all peers.
    fn unchanging(&self) -> Vec<Json> {
        self.servers.iter().map(|text| Json::unread(text)).collect()
    }

    /// The servers that are known at once, without those of Cloudflare.
    pub(crate) fn now(&self, now: Timestamp, room: &str, id: SocketId) -> Json {
        let servers = self.at_hand(now, room, id);
        let list = servers.map_or_else(|_| self.unchanging(), |servers| servers.ice_servers);
        Json::list(&list)
    }

    /// The servers for a peer, or the request for them.
    fn at_hand(&self, now: Timestamp, room: &str, id: SocketId) -> Result<IceServers, Post> {
        let mut ice_servers = self.unchanging();
        let ttl = match &self.relay {
            None => UNCHANGING,
            Some(Relay::Coturn { urls, secret }) => {
                let expiry = (now.as_millis() / 1000).saturating_add(self.ttl);
                let username = format!("{expiry}:{room}:{id}");
                let relay = Object::new()
                    .with("urls", urls)
                    .with("username", &username)
                    .with("credential", &password(secret, &username));
                ice_servers.push(relay.json());
                self.ttl
            }
            Some(Relay::Cloudflare { url, token }) => {
                return Err(Post {
                    number: POST,
                    to: Recipient::Server(url.clone()),
                    headers: vec![("authorization", format!("Bearer {token}"))],
                    timeout: TIMEOUT,
                    body: Object::new()
                        .with("ttl", &self.ttl)
                        .json()
                        .as_str()
                        .to_owned(),
                });
            }
        };
        Ok(IceServers { ice_servers, ttl })
    }
}

/// The password for a username that contains its expiry. The TURN server computes the same
/// (draft-uberti-behave-turn-rest-00, section 2.2).
fn password(secret: &str, username: &str) -> String {
    let mut password = String::new();
    // HMAC takes a key of any length.
    if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) {
        mac.update(username.as_bytes());
        base64::encode(&mac.finalize().into_bytes(), &mut password);
    }
    password
}

/// Reads a list of `RTCIceServer` as browsers do, because a server that a browser refuses would break
/// every call. An error quotes nothing, because the list may have credentials.
pub(crate) fn servers(list: &Json) -> Result<Vec<Json>, String> {
    let servers = list.elements().ok_or("it is not a list in JSON")?;
    for (server, number) in servers.iter().zip(1..) {
        let fields = Fields::read(server).unwrap_or_default();
        let urls = urls(&fields);
        if urls.is_empty() {
            return Err(format!("server {number} has no urls"));
        }
        for url in urls {
            match url.text().as_deref().and_then(Scheme::of) {
                Some(Scheme::Stun) => {}
                Some(Scheme::Turn) if has_credential(&fields) => {}
                Some(Scheme::Turn) => {
                    return Err(format!("server {number} has no username or no credential"));
                }
                None => {
                    return Err(format!(
                        "server {number} has a URL that is no {}",
                        Scheme::FORM
                    ));
                }
            }
        }
    }
    Ok(servers)
}

fn urls(server: &Fields) -> Vec<Json> {
    let urls = server.get("urls");
    let list = urls.and_then(Json::elements);
    list.unwrap_or_else(|| urls.into_iter().cloned().collect())
}

fn has_credential(server: &Fields) -> bool {
    let has = |key| server.get(key).is_some_and(|json| json.text().is_some());
    has("username") && has("credential")
}

/// The relays in an answer of Cloudflare's API, without port 53, which browsers block.
fn relays(answer: &Answer) -> Result<Vec<Json>, String> {
    if answer.status != 201 {
        return Err(format!("it answered with {}", answer.status));
    }
    let fields = Fields::read(&Json::unread(&answer.body));
    let list = fields.as_ref().and_then(|fields| fields.get("iceServers"));
    let mut relays = Vec::new();
    for server in servers(list.ok_or("its answer has no iceServers")?)? {
        let fields = Fields::read(&server).unwrap_or_default();
        let all = urls(&fields);
        let is_good = |url: &&Json| !url.text().as_deref().is_some_and(is_of_port_53);
        let good: Vec<_> = all.iter().filter(is_good).collect();
        if !has_credential(&fields) || good.is_empty() {
            continue;
        }
        relays.push(if good.len() < all.len() {
            fields.with("urls", &Json::of(&good))
        } else {
            server
        });
    }
    if relays.is_empty() {
        return Err("its answer has no relay".to_owned());
    }
    Ok(relays)
}

fn is_of_port_53(url: &str) -> bool {
    url.split('?')
        .next()
        .is_some_and(|url| url.ends_with(":53"))
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn passwords() {
        for (secret, username, expected) in [
            // RFC 2202, section 3, test case 2
            (
                "Jefe",
                "what do ya want for nothing?",
                "7/zfauXrL6LSdBbV8YTfnCWafHk=",
            ),
            // A key that is longer than a block of SHA-1.
            (
                &"k".repeat(100),
                "1700000000:room:id",
                "0qMsFL7dO/mCshu6aw0r4kPAzf4=",
            ),
            (
                "north",
                "1700003600:会议:abc",
                "BDkXjILHDpPF1X6gzG/SZyUobHM=",
            ),
        ] {
            assert_eq!(password(secret, username), expected);
        }
    }
}
