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

/// The number of messages that `chat:history` returns by default.
const PAGE: usize = 50;

/// The size limit of the messages in one answer, in bytes of JSON.
const PAGE_BYTES: usize = 131_072;

/// The size limit of the stored messages, in bytes of JSON, regardless of their number.
const HISTORY_BYTES: usize = 4_194_304;

/// The size of a message without its text, in bytes, approximately.
const ENVELOPE: usize = 256;

/// The longest `enc`, in bytes.
const MAX_ENC: usize = 256;

/// The factor by which an encrypted message may have more characters, because it is written in base64:
/// a character of four bytes becomes 5⅓ characters.
const ENCRYPTED: usize = 6;

/// The number of receipts kept with a member: if it sends one of its last messages again, with the same `mid`, it gets
/// the receipt instead of a second message.
const RECEIPTS: usize = 16;

/// The receipt of a message, for its sender.
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

/// The stored chat messages. Messages to one peer are not stored.
pub(super) struct History {
    store: Rc<Store>,
    limit: usize,
    /// Loaded when first needed.
    entries: Option<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Oldest first.
    messages: VecDeque<Message>,
    /// The size of each message, in bytes of stored JSON, and the sum.
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Entries {
    /// Adds a message, which has this many bytes of JSON.
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

    /// The newest messages before a sequence number, at most `limit`, and whether there are older
    /// ones.
    fn page(&mut self, before: u64, limit: usize) -> (Vec<&Message>, bool) {
        let messages = self.entries().sized();
        newest(messages.filter(|(message, _)| message.seq < before), limit)
    }

    /// Deletes all messages.
    pub(super) fn clear(&mut self) {
        let entries = std::mem::take(self.entries());
        for message in entries.messages {
            self.store.delete(key(message.seq));
        }
    }

    /// Adds a message. `json` is the message as JSON.
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

/// The newest messages, at most `limit`, that fit into one answer, oldest first, and whether there are older ones. A
/// single message always fits.
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

/// A chat message as clients send it, unless they send the text alone.
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
                format!("an enc may have at most {MAX_ENC} bytes and {DEPTH} levels of nesting"),
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
            seq: self.counters.next_seq(),
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
            self.members.change(from, |member| {
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

    /// The receipt of a message that its sender sent before.
    fn known(&self, from: SocketId, mid: &str) -> Option<Receipt> {
        let mut receipts = self.member(from)?.receipts.iter();
        let (_, receipt) = receipts.find(|(known, _)| known == mid)?;
        Some(receipt.clone())
    }

    /// Tells the other sockets inside that somebody is typing, or has stopped. A socket that is away misses it.
    pub(super) fn typing(
        &mut self,
        turn: &mut Turn,
        from: SocketId,
        args: &Args,
    ) -> Result<(), Error> {
        let Switch { on } = Switch::read(args, "chat:typing takes {on}")?;
        turn.succeed(Object::new);
        let typing = Object::new().with("id", &from).with("on", &on).json();
        turn.push(self.others(from), names::CHAT_TYPING, vec![typing], true);
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
