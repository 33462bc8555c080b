//! The chat: messages and their history.

use std::collections::VecDeque;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::Room;
use super::contract::{Message, names};
use super::error::{Code, Error};
use super::fields::{DEPTH, is_too_deep};
use super::host::Switch;
use super::turn::Turn;
use crate::io::numbered;
use crate::socket::{Args, Json, Object, SocketId};
use crate::store::Store;
use crate::time::Timestamp;

const PREFIX: &str = "chat/";

/// How many messages `chat:history` returns unless told otherwise.
const PAGE: usize = 50;

/// How many bytes of messages, as JSON, one answer may have.
const PAGE_BYTES: usize = 131_072;

/// How many bytes of messages the room remembers at most, whatever their number.
const HISTORY_BYTES: usize = 4_194_304;

/// About how many bytes a message has beside its text.
const ENVELOPE: usize = 256;

/// The longest `enc`, in bytes.
const MAX_ENC: usize = 256;

/// How many characters of base64 the encryption of one character may take: four bytes of UTF-8 are 5⅓.
const ENCRYPTED: usize = 6;

/// Of how many messages a member's receipts are kept: as many as may be under way at once.
const RECEIPTS: usize = 16;

/// What the sender of a message is told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Receipt {
    id: String,
    seq: u64,
    ts: Timestamp,
}

impl Receipt {
    fn of(message: &Message) -> Self {
        Self {
            id: message.id.clone(),
            seq: message.seq,
            ts: message.ts,
        }
    }
}

/// The chat messages to everyone that the room remembers.
pub(super) struct History {
    store: Rc<Store>,
    limit: usize,
    /// Read when first needed.
    entries: Option<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Oldest first.
    messages: VecDeque<Message>,
    /// How many bytes each has as JSON, as it is stored, and all together.
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Entries {
    /// Takes in a message, which has this many bytes of JSON.
    fn push(&mut self, message: Message, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.sizes.push_back(bytes);
        self.messages.push_back(message);
    }

    /// The messages, each with its size.
    fn sized(&self) -> impl DoubleEndedIterator<Item = (&Message, usize)> {
        self.messages.iter().zip(self.sizes.iter().copied())
    }

    fn pop(&mut self) -> Option<Message> {
        let bytes = self.sizes.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.messages.pop_front()
    }
}

impl History {
    pub(super) fn new(store: Rc<Store>, limit: usize) -> Self {
        Self {
            store,
            limit,
            entries: None,
        }
    }

    fn entries(&mut self) -> &mut Entries {
        self.entries.get_or_insert_with(|| {
            let mut entries = Entries::default();
            for (key, value) in self.store.load(PREFIX) {
                if let Some(message) = self.store.read(&key, &value) {
                    entries.push(message, value.len());
                }
            }
            entries
        })
    }

    /// The newest messages, as many as fit into one answer, oldest first.
    pub(super) fn newest(&mut self) -> Vec<&Message> {
        newest(self.entries().sized(), usize::MAX).0
    }

    /// Those before a sequence number, `limit` at most, and whether there are more.
    fn page(&mut self, before: u64, limit: usize) -> (Vec<&Message>, bool) {
        let messages = self.entries().sized();
        newest(messages.filter(|(message, _)| message.seq < before), limit)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        let entries = std::mem::take(self.entries());
        for message in entries.messages {
            self.store.delete(key(message.seq));
        }
    }

    /// Takes in a message, which is `json`.
    fn push(&mut self, message: Message, json: &Json) {
        let (limit, store) = (self.limit, Rc::clone(&self.store));
        let entries = self.entries();
        store.put(key(message.seq), json.as_str());
        entries.push(message, json.as_str().len());
        while entries.messages.len() > limit || entries.bytes > HISTORY_BYTES {
            let Some(oldest) = entries.pop() else {
                break;
            };
            store.delete(key(oldest.seq));
        }
    }
}

fn key(seq: u64) -> String {
    numbered(PREFIX, seq)
}

/// The newest of these that fit into one answer, one at least, oldest first, and whether there are
/// more.
fn newest<'a>(
    mut messages: impl DoubleEndedIterator<Item = (&'a Message, usize)>,
    limit: usize,
) -> (Vec<&'a Message>, bool) {
    let (mut page, mut room) = (Vec::new(), PAGE_BYTES);
    while let Some((message, size)) = messages.next_back() {
        if page.len() == limit || (size > room && !page.is_empty()) {
            page.reverse();
            return (page, true);
        }
        room = room.saturating_sub(size);
        page.push(message);
    }
    page.reverse();
    (page, false)
}

/// A chat message as it is sent: the text alone, or this.
#[derive(Deserialize)]
struct Sent {
    message: String,
    mid: Option<String>,
    to: Option<String>,
    enc: Option<Json>,
}

#[derive(Deserialize, Default)]
struct Page {
    before: Option<u64>,
    limit: Option<usize>,
}

impl Room {
    pub(super) fn chat(
        &mut self,
        turn: &mut Turn,
        from: SocketId,
        args: &Args,
    ) -> Result<(), Error> {
        let first = args.get(0);
        let sent = first.and_then(|json| {
            let text = json.text().map(|message| Sent {
                message,
                mid: None,
                to: None,
                enc: None,
            });
            text.or_else(|| json.read())
        });
        let Some(Sent {
            message,
            mid,
            to,
            enc,
        }) = sent
        else {
            return Err(Error::bad_payload(
                "chat-message takes a text or {message, mid?, to?, enc?}",
            ));
        };
        let factor = if enc.is_some() { ENCRYPTED } else { 1 };
        let limit = self.config.limits.chat.saturating_mul(factor);
        let longest_mid = self.config.limits.name;
        if message.chars().count() > limit {
            return Err(Error::new(
                Code::TooLarge,
                format!("a chat message may have at most {limit} characters"),
            ));
        }
        if mid
            .as_ref()
            .is_some_and(|mid| mid.chars().count() > longest_mid)
        {
            return Err(Error::new(
                Code::TooLarge,
                format!("a mid may have at most {longest_mid} characters"),
            ));
        }
        let fits = |enc: &Json| enc.as_str().len() <= MAX_ENC && !is_too_deep(enc);
        if !enc.as_ref().is_none_or(fits) {
            return Err(Error::new(
                Code::TooLarge,
                format!("an enc may have at most {MAX_ENC} bytes, {DEPTH} levels deep"),
            ));
        }
        if let Some(known) = mid.as_deref().and_then(|mid| self.known(from, mid)) {
            turn.succeed(|| Object::of(&known));
            return Ok(());
        }
        let to = to.map(|name| self.find(&name)).transpose()?;
        if let Some(to) = to {
            self.wait(&mut vec![to], message.len().saturating_add(ENVELOPE))?;
        }
        let message = Message {
            message,
            id: SocketId::new(self.store.platform().mint()).to_string(),
            seq: self.ledger.next_seq(),
            ts: turn.now,
            from,
            name: self.member(from).and_then(|m| m.name()).map(str::to_owned),
            to,
            enc,
        };
        let receipt = Receipt::of(&message);
        turn.succeed(|| Object::of(&receipt));
        let receivers = match to {
            Some(to) if to == from => vec![to],
            Some(to) => vec![to, from],
            None => self.everyone(),
        };
        let delivered = Json::of(&message);
        if to.is_none() {
            self.tell_chat(turn.now, &message);
            self.history.push(message, &delivered);
        }
        if let Some(mid) = mid {
            self.change(turn, from, |member| {
                if member.receipts.len() >= RECEIPTS {
                    member.receipts.remove(0);
                }
                member.receipts.push((mid, receipt));
                true
            });
        }
        turn.emit(receivers, names::CHAT_MESSAGE, vec![delivered]);
        Ok(())
    }

    /// What its sender was told of a message that it sent before.
    fn known(&self, from: SocketId, mid: &str) -> Option<Receipt> {
        let mut receipts = self.member(from)?.receipts.iter();
        let (_, receipt) = receipts.find(|(known, _)| known == mid)?;
        Some(receipt.clone())
    }

    /// Tells the others that somebody writes; who is away need not know.
    pub(super) fn typing(
        &mut self,
        turn: &mut Turn,
        from: SocketId,
        args: &Args,
    ) -> Result<(), Error> {
        let Switch { on } = Switch::read(args, "chat:typing takes {on}")?;
        turn.succeed(Object::new);
        let typing = Object::new().with("id", &from).with("on", &on).json();
        let others = self.others(from).collect();
        turn.push(others, names::CHAT_TYPING, vec![typing], true);
        Ok(())
    }

    pub(super) fn chat_history(&mut self, turn: &mut Turn, args: &Args) -> Result<(), Error> {
        let page: Page = match args.get(0) {
            None => Page::default(),
            Some(json) => json
                .read()
                .ok_or_else(|| Error::bad_payload("chat:history takes {before?, limit?}"))?,
        };
        let before = page.before.unwrap_or(u64::MAX);
        let limit = page.limit.unwrap_or(PAGE);
        let (messages, more) = self.history.page(before, limit);
        turn.succeed(|| {
            Object::new()
                .with("messages", &messages)
                .with("more", &more)
        });
        Ok(())
    }
}
