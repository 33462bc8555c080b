//! Measures handshakes: several clients connect to the main namespace and disconnect, again and
//! again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::cpu::Measured;
use super::socket::{self, id, join, leave, open, receive, send};
use super::{Outcome, Result, Target, micros};

const WARM_UP: Duration = Duration::from_millis(500);

#[derive(Clone, Deserialize)]
pub struct Handshakes {
    /// How many connect at the same time, each to a room of its own.
    at_once: usize,
    /// Whether they start with long-polling and upgrade.
    polling: bool,
    seconds: f64,
}

impl Handshakes {
    pub fn run(self, target: Target) -> Result<Outcome> {
        let over = AtomicBool::new(false);
        let counting = AtomicBool::new(false);
        thread::scope(|scope| {
            let visitors: Vec<_> = (0..self.at_once)
                .map(|visitor| {
                    let (over, counting, polling) = (&over, &counting, self.polling);
                    scope.spawn(move || visit(target, visitor, polling, over, counting))
                })
                .collect();
            thread::sleep(WARM_UP);
            let measured = Measured::begin(target)?;
            counting.store(true, Ordering::Relaxed);
            thread::sleep(Duration::from_secs_f64(self.seconds));
            counting.store(false, Ordering::Relaxed);
            let outcome = measured.end(0, Vec::new())?;
            over.store(true, Ordering::Relaxed);
            let mut times = Vec::new();
            for visitor in visitors {
                let visited = visitor.join().map_err(|_| "a visitor panicked")?;
                times.extend(visited.map_err(|error| format!("a handshake failed: {error}"))?);
            }
            Ok(Outcome {
                count: times.len() as u64,
                times,
                ..outcome
            })
        })
    }
}

fn visit(
    target: Target,
    visitor: usize,
    polling: bool,
    over: &AtomicBool,
    counting: &AtomicBool,
) -> std::result::Result<Vec<u32>, String> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        let room = format!("visited-{visitor}");
        let mut stream = if polling {
            upgraded(target, &room)
        } else {
            join(target.server, &room).map(|(stream, ..)| stream)
        }
        .map_err(|error| error.to_string())?;
        if counting.load(Ordering::Relaxed) {
            times.push(micros(start.elapsed()));
        }
        leave(&mut stream).map_err(|error| error.to_string())?;
    }
    Ok(times)
}

/// Connects by polling and upgrades, as a stock client does.
fn upgraded(target: Target, room: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(target.server)?;
    stream.set_nodelay(true)?;
    let mut http = BufReader::new(stream);
    let mut query = format!("transport=polling&room={room}");
    let sid = id(&request(&mut http, &query, None)?)?;
    query.push_str(&format!("&sid={sid}"));
    request(&mut http, &query, Some("40"))?;
    while !request(&mut http, &query, None)?.contains("40{") {}
    let (mut stream, mut buffer) = open(
        target.server,
        &format!("transport=websocket&room={room}&sid={sid}"),
    )?;
    send(&mut stream, "2probe")?;
    receive(&mut stream, &mut buffer, "3probe")?;
    let mut out = Vec::new();
    socket::write(&mut out, 1, b"5");
    stream.write_all(&out)?;
    Ok(stream)
}

/// One request on a persistent connection: a POST if there is a body. Returns the response's body.
fn request(http: &mut BufReader<TcpStream>, query: &str, body: Option<&str>) -> Result<String> {
    let (method, body) = (
        if body.is_some() { "POST" } else { "GET" },
        body.unwrap_or_default(),
    );
    let length = body.len();
    write!(
        http.get_mut(),
        "{method} /socket.io/?EIO=4&{query} HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain;charset=UTF-8\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let (mut status, mut length) = (None, None);
    loop {
        let mut line = String::new();
        if http.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        status.get_or_insert_with(|| line.clone());
        if let Some(value) = line.strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
    }
    let mut body = vec![0; length.ok_or("a response without a length")?];
    http.read_exact(&mut body)?;
    let body = String::from_utf8(body)?;
    match status {
        Some(status) if status.contains(" 200 ") => Ok(body),
        status => Err(format!("{}: {body}", status.unwrap_or_default()).into()),
    }
}
