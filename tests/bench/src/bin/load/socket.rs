//! A client's socket in the main namespace, on a WebSocket of its own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Result;

/// A timeout that no server reaches.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A valid key; the server's answer to it is not checked.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Opens a WebSocket with this query. Bytes after the response's head stay in the buffer.
pub fn open(server: SocketAddr, query: &str) -> Result<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    write!(
        stream,
        "GET /socket.io/?EIO=4&{query} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )?;
    let mut buffer = Vec::new();
    let head = loop {
        if let Some(head) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
            break head + 4;
        }
        more(&mut stream, &mut buffer)?;
    };
    if !buffer.starts_with(b"HTTP/1.1 101") {
        let answer = String::from_utf8_lossy(&buffer);
        return Err(format!("no WebSocket: {answer}").into());
    }
    buffer.drain(..head);
    Ok((stream, buffer))
}

/// Opens a socket in a room. Also returns its id.
pub fn join(server: SocketAddr, room: &str) -> Result<(TcpStream, Vec<u8>, String)> {
    let (mut stream, mut buffer) = open(server, &format!("transport=websocket&room={room}"))?;
    receive(&mut stream, &mut buffer, "0{")?;
    send(&mut stream, "40")?;
    let connected = receive(&mut stream, &mut buffer, "40{")?;
    Ok((stream, buffer, id(&connected)?))
}

/// The `sid` in a packet.
pub fn id(packet: &str) -> Result<String> {
    let (_, json) = packet.split_once('{').ok_or("no JSON")?;
    let json: serde_json::Value = serde_json::from_str(&format!("{{{json}"))?;
    Ok(json["sid"].as_str().ok_or("no sid")?.to_owned())
}

/// Waits for a frame that begins with this.
pub fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>, start: &str) -> Result<String> {
    loop {
        while let Some((payload, end)) = frame(buffer) {
            let text = String::from_utf8_lossy(&buffer[payload..end]).into_owned();
            buffer.drain(..end);
            if text.starts_with(start) {
                return Ok(text);
            }
        }
        more(stream, buffer)?;
    }
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        size => {
            buffer.extend_from_slice(&chunk[..size]);
            Ok(())
        }
    }
}

pub fn send(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    let mut out = Vec::new();
    write(&mut out, 1, text.as_bytes());
    stream.write_all(&out)
}

/// Disconnects as a stock client does.
pub fn leave(stream: &mut TcpStream) -> io::Result<()> {
    let mut out = Vec::new();
    write(&mut out, 1, b"41");
    write(&mut out, 8, b"");
    stream.write_all(&out)
}

/// Where the payload of the first frame begins and ends, once it is complete. Servers do not mask
/// frames.
pub fn frame(buffer: &[u8]) -> Option<(usize, usize)> {
    let (start, size) = match *buffer.get(1)? {
        126 => (
            4,
            usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?)),
        ),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)).ok()?,
        ),
        short => (2, usize::from(short)),
    };
    (buffer.len() >= start + size).then_some((start, start + size))
}

/// Adds a frame. Clients must mask frames; a mask of zeros leaves the payload as it is.
pub fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => out.push(0x80 | u8::try_from(short).unwrap_or_default()),
        size => {
            out.push(0x80 | 126);
            out.extend_from_slice(&u16::try_from(size).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}
