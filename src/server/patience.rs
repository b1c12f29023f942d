//! A socket that gives up on a client that is too slow: hyper limits how long a head may take only together with how
//! long a connection may be idle, and how long an answer may take not at all.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::phase::Phase;

/// How long the head of a request may take, from its first byte, and how long a client may take nothing of an answer.
const LIMIT: Duration = Duration::from_secs(10);

/// How many bytes of an answer a client must take within the limit, once it lets us wait.
const ENOUGH: usize = 64 * 1024;
/// How long a closed connection is still read from.
const LINGER: Duration = Duration::from_secs(1);

pub(super) struct Patience<S> {
    stream: S,
    phase: Phase,
    head: Pin<Box<Sleep>>,
    write: Pin<Box<Sleep>>,
    /// Since the client last let us wait, and had not taken enough yet.
    is_slow: bool,
    taken: usize,
    linger: Option<Pin<Box<Sleep>>>,
    /// Until when nothing is read.
    rest: Option<Pin<Box<Sleep>>>,
}

impl<S> Patience<S> {
    pub(super) fn new(stream: S, phase: Phase) -> Self {
        let limit = || Box::pin(sleep(LIMIT));
        Self { stream, phase, head: limit(), write: limit(), is_slow: false, taken: 0, linger: None, rest: None }
    }

    /// What became of an attempt to write. Fails when the client takes too little for too long.
    fn written(&mut self, attempt: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = attempt {
            self.taken += bytes;
            self.is_slow &= self.taken < ENOUGH;
        }
        if attempt.is_ready() {
            return attempt;
        }
        if !self.is_slow {
            self.is_slow = true;
            self.taken = 0;
            self.write.as_mut().reset(Instant::now() + LIMIT);
        }
        ready!(self.write.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(rest) = self.phase.rest_begins() {
            self.rest = Some(Box::pin(sleep(rest)));
        }
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(context));
            self.rest = None;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before && self.phase.begins_head() {
            self.head.as_mut().reset(Instant::now() + LIMIT);
        }
        if read.is_pending() && self.phase.is_head() {
            ready!(self.head.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(attempt, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(attempt, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // all that there was is taken
        self.is_slow = false;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.phase.is_flushed();
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more comes, and takes what the client still sends, for a moment: a socket that is closed on
    /// unread bytes takes the answer away from whoever sent them.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut unread = [0; 4096];
        while linger.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut unread);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
