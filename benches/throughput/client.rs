//! A client of HTTP/1.1 that costs little, because it shares the processors with the server: one connection that is kept,
//! one request at a time.

use std::{io::ErrorKind, net::SocketAddr, time::Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;

/// How much is read at once.
const ROOM: usize = 64 * 1024;

/// A connection to the server.
pub(crate) struct Connection {
    stream: TcpStream,
    scratch: Box<[u8]>,
    /// The answer as it came.
    received: Vec<u8>,
    /// Its body, where that came in chunks.
    joined: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    pub(crate) body: &'a [u8],
    /// When its first byte came.
    pub(crate) first_byte: Instant,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("the server can't be reached")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, scratch: vec![0; ROOM].into(), received: Vec::new(), joined: Vec::new() })
    }

    /// Sends a request, and waits for all of its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.send(request).await?;
        self.received.clear();
        self.receive().await?;
        let first_byte = Instant::now();
        let head_end = self.find(b"\r\n\r\n", 0).await? + 4;
        let head = std::str::from_utf8(self.received.get(..head_end).unwrap_or_default())?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        let is_chunked = header(head, "transfer-encoding").is_some();
        let length: usize = header(head, "content-length").map_or(Ok(0), str::parse)?;
        if is_chunked {
            self.join_chunks(head_end).await?;
        } else {
            self.receive_up_to(head_end + length).await?;
        }
        let (head, body) = self.received.split_at(head_end);
        let body = if is_chunked { &self.joined } else { body };
        Ok(Answer { status, head: std::str::from_utf8(head)?, body, first_byte })
    }

    async fn send(&self, mut request: &[u8]) -> Result<()> {
        while !request.is_empty() {
            match self.stream.try_write(request) {
                Ok(sent) => request = request.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<()> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.scratch) {
                Ok(0) => bail!("the server closed the connection in the middle of an answer"),
                Ok(count) => {
                    self.received.extend_from_slice(self.scratch.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn receive_up_to(&mut self, length: usize) -> Result<()> {
        while self.received.len() < length {
            self.receive().await?;
        }
        Ok(())
    }

    /// Where some bytes stand, at `from` or later.
    async fn find(&mut self, wanted: &[u8], from: usize) -> Result<usize> {
        loop {
            let rest = self.received.get(from..).unwrap_or_default();
            if let Some(at) = rest.windows(wanted.len()).position(|bytes| bytes == wanted) {
                return Ok(from + at);
            }
            self.receive().await?;
        }
    }

    async fn join_chunks(&mut self, mut at: usize) -> Result<()> {
        self.joined.clear();
        loop {
            let line_end = self.find(b"\r\n", at).await?;
            let size = std::str::from_utf8(self.received.get(at..line_end).unwrap_or_default())?;
            let (begin, size) = (line_end + 2, usize::from_str_radix(size, 16)?);
            self.receive_up_to(begin + size + 2).await?;
            if size == 0 {
                return Ok(());
            }
            self.joined.extend_from_slice(self.received.get(begin..begin + size).unwrap_or_default());
            at = begin + size + 2;
        }
    }
}

/// A header of an answer.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
