//! Many sockets on one thread.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::{Result, Target, socket};

pub struct Member {
    pub id: String,
    stream: TcpStream,
    /// The received bytes of incomplete frames.
    inbox: Vec<u8>,
    /// The bytes that the server has not accepted yet.
    outbox: Vec<u8>,
}

pub struct Swarm {
    pub members: Vec<Member>,
    poll: Poll,
    events: Events,
    chunk: Vec<u8>,
}

impl Swarm {
    /// Joins `size` members to each of `count` rooms. The members of one room are adjacent in the list.
    pub fn join(target: Target, count: usize, size: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut members = Vec::with_capacity(count * size);
        for index in 0..count * size {
            let room = format!("bench-{}", index / size);
            let (stream, inbox, id) = socket::join(target.server, &room)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(index), interest)?;
            members.push(Member {
                id,
                stream,
                inbox,
                outbox: Vec::new(),
            });
        }
        Ok(Self {
            members,
            poll,
            events: Events::with_capacity(1024),
            chunk: vec![0; 262_144],
        })
    }

    /// Sends an event. Bytes that the connection does not accept now wait in the outbox.
    pub fn send(&mut self, member: usize, event: &[u8]) -> Result<()> {
        let member = &mut self.members[member];
        socket::write(&mut member.outbox, 1, event);
        member.flush()
    }

    /// Waits for frames, and calls `event` with each event's member and text.
    pub fn turn(&mut self, limit: Duration, mut event: impl FnMut(usize, &[u8])) -> Result<()> {
        self.poll.poll(&mut self.events, Some(limit))?;
        for ready in &self.events {
            let Token(index) = ready.token();
            let member = &mut self.members[index];
            if ready.is_writable() {
                member.flush()?;
            }
            if ready.is_readable() {
                member.read(&mut self.chunk, |text| event(index, text))?;
            }
        }
        Ok(())
    }
}

impl Member {
    fn flush(&mut self) -> Result<()> {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(size) => drop(self.outbox.drain(..size)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn read(&mut self, chunk: &mut [u8], mut event: impl FnMut(&[u8])) -> Result<()> {
        loop {
            // After a short read the socket is empty, and the next readiness will be reported.
            let size = match self.stream.read(chunk) {
                Ok(0) => return Err(format!("the server closed {}'s socket", self.id).into()),
                Ok(size) => size,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let mut rest = &chunk[..size];
            if !self.inbox.is_empty() {
                self.inbox.extend_from_slice(rest);
                rest = &self.inbox;
            }
            let mut pongs = 0;
            while let Some((start, end)) = socket::frame(rest) {
                match &rest[start..end] {
                    b"2" => pongs += 1,
                    text if text.starts_with(b"42") => event(&text[2..]),
                    _ => {}
                }
                rest = &rest[end..];
            }
            self.inbox = rest.to_vec();
            for _ in 0..pongs {
                socket::write(&mut self.outbox, 1, b"3");
                self.flush()?;
            }
            if size < chunk.len() {
                return Ok(());
            }
        }
    }
}
