//! The chat: messages and their history.

use std::collections::VecDeque;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::contract::{Message, names};
use super::error::{Code, Error};
use super::fields::{DEPTH, is_too_deep};
use super::host::Switch;
use super::{Room, Turn};
use crate::io::{Platform, Record, numbered};
use crate::socket::{Args, Command, Json, Object, SocketId};
use crate::time::Timestamp;

const PREFIX: &str = "chat/";

/// How many messages `chat:history` returns unless told otherwise.
const PAGE: usize = 50;

/// About how many bytes of messages one answer may have.
const PAGE_BYTES: usize = 131_072;

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

/// What the room remembers of what was said to all.
pub(super) struct History {
    platform: Rc<dyn Platform>,
    limit: usize,
    /// Oldest first; read when first needed.
    entries: Option<VecDeque<Message>>,
}

impl History {
    pub(super) fn new(platform: Rc<dyn Platform>, limit: usize) -> Self {
        Self {
            platform,
            limit,
            entries: None,
        }
    }

    fn entries(&mut self) -> &mut VecDeque<Message> {
        self.entries.get_or_insert_with(|| {
            let rows = self.platform.load(PREFIX).into_iter();
            rows.filter_map(|(_, value)| serde_json::from_str(&value).ok())
                .collect()
        })
    }

    /// The newest messages, as many as fit into one answer, oldest first.
    pub(super) fn newest(&mut self) -> Vec<&Message> {
        newest(self.entries().iter(), usize::MAX).0
    }

    /// Those before a sequence number, `limit` at most, and whether there are more.
    fn page(&mut self, before: u64, limit: usize) -> (Vec<&Message>, bool) {
        let messages = self.entries().iter();
        newest(messages.filter(|message| message.seq < before), limit)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) -> Vec<Record> {
        let entries = std::mem::take(self.entries()).into_iter();
        let keys = entries.map(|message| key(message.seq));
        keys.map(|key| Record::Deleted { key }).collect()
    }

    /// Takes in a message, which is `json`.
    fn push(&mut self, message: Message, json: &Json) -> Vec<Record> {
        let mut records = vec![Record::Stored {
            key: key(message.seq),
            value: json.as_str().to_owned(),
        }];
        let limit = self.limit;
        let entries = self.entries();
        entries.push_back(message);
        while entries.len() > limit {
            if let Some(oldest) = entries.pop_front() {
                let key = key(oldest.seq);
                records.push(Record::Deleted { key });
            }
        }
        records
    }
}

fn key(seq: u64) -> String {
    numbered(PREFIX, seq)
}

/// The newest of these that fit into one answer, one at least, oldest first, and whether there are
/// more.
fn newest<'a>(
    mut messages: impl DoubleEndedIterator<Item = &'a Message>,
    limit: usize,
) -> (Vec<&'a Message>, bool) {
    let (mut page, mut room) = (Vec::new(), PAGE_BYTES);
    while let Some(message) = messages.next_back() {
        let size = message.message.len().saturating_add(ENVELOPE);
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
            id: SocketId::new(self.platform.mint()).to_string(),
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
            for record in self.history.push(message, &delivered) {
                turn.out.push(Command::SaveSoon(record));
            }
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
        if turn.ack.is_some() {
            // Whoever sends it again after a crash is told so, or else nobody has had it yet.
            turn.out.push(Command::AfterSaves);
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
