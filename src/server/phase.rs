//! What a connection is doing: its socket, its service and the bodies that go through it tell. While it waits for its
//! client it may be closed, and nothing is lost.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::body::{Body, Frame, SizeHint};

use crate::request::InFlight;

const HEAD: u8 = 0;
const REQUEST: u8 = 1;
const BODY: u8 = 2;
const ANSWER: u8 = 3;
const ANSWERED: u8 = 4;
const IDLE: u8 = 5;

/// How long a connection rests after an answer that says that the server has too much to do: about as long as `Retry-After` has
/// it. From half to one and a half of it, so that those who were refused together do not come again together.
const REST: Duration = Duration::from_secs(1);

/// Counts connections that begin to wait for a request: the lower the number, the longer they wait.
static TURN: AtomicU64 = AtomicU64::new(0);

/// In a head (as it is when it is new), in a request, waiting for more of its body, in an answer, sending the rest of one, or
/// between two requests.
#[derive(Clone)]
pub(super) struct Phase(Arc<State>);

struct State {
    now: AtomicU8,
    turn: AtomicU64,
    in_flight: InFlight,
    rests: AtomicBool,
}

impl Phase {
    pub(super) fn new(in_flight: InFlight) -> Self {
        let turn = AtomicU64::new(TURN.fetch_add(1, Relaxed));
        Self(Arc::new(State { now: AtomicU8::new(HEAD), turn, in_flight, rests: AtomicBool::new(false) }))
    }

    /// A handler has the request now.
    pub(super) fn head_is_read(&self) {
        self.0.turn_to(REQUEST);
    }

    /// Those of all connections.
    pub(super) fn in_flight(&self) -> InFlight {
        self.0.in_flight.clone()
    }

    /// The head of the answer is there, and its body goes to the client as fast as that takes it.
    fn answer_begins(&self) {
        self.0.turn_to(ANSWER);
    }

    /// The client has all of the answer; the next byte that comes begins a head.
    pub(super) fn is_flushed(&self) {
        if self.changes(ANSWERED, IDLE) {
            self.0.turn.store(TURN.fetch_add(1, Relaxed), Relaxed);
        }
    }

    pub(super) fn is_head(&self) -> bool {
        self.0.now.load(Relaxed) == HEAD
    }

    /// Whether this byte is the first of a head.
    pub(super) fn begins_head(&self) -> bool {
        self.changes(IDLE, HEAD)
    }

    /// The client is to come again later.
    pub(super) fn rest(&self) {
        self.0.rests.store(true, Relaxed);
    }

    /// How long nothing is read, once.
    pub(super) fn rest_begins(&self) -> Option<Duration> {
        self.0.rests.swap(false, Relaxed).then(|| rand::random_range(REST / 2..REST * 3 / 2))
    }

    /// Whether nothing happens until the client sends more.
    pub(super) fn waits_for_client(&self) -> bool {
        matches!(self.0.now.load(Relaxed), HEAD | BODY | IDLE)
    }

    /// Who waits between two requests goes before who waits within one, and then who has waited longer.
    pub(super) fn order(&self) -> (bool, u64) {
        (self.0.now.load(Relaxed) != IDLE, self.0.turn.load(Relaxed))
    }

    fn changes(&self, from: u8, to: u8) -> bool {
        let changes = self.0.now.compare_exchange(from, to, Relaxed, Relaxed).is_ok();
        if changes {
            self.0.changed(from, to);
        }
        changes
    }
}

impl State {
    fn turn_to(&self, to: u8) {
        self.changed(self.now.swap(to, Relaxed), to);
    }

    fn changed(&self, from: u8, to: u8) {
        match (from == REQUEST, to == REQUEST) {
            (false, true) => self.in_flight.begins(),
            (true, false) => self.in_flight.ends(),
            _ => {}
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // a client may leave in the middle of a request
        self.turn_to(IDLE);
    }
}

/// The body of a request.
pub(super) struct RequestBody<B>(pub(super) B, pub(super) Phase);

impl<B: Body + Unpin> Body for RequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.0).poll_frame(context);
        if frame.is_pending() {
            self.1.changes(REQUEST, BODY)
        } else {
            self.1.changes(BODY, REQUEST)
        };
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        // whoever read it has given up
        self.1.changes(BODY, REQUEST);
    }
}

/// The body of an answer.
pub(super) struct AnswerBody<B>(B, Phase);

impl<B> AnswerBody<B> {
    /// Of an answer that begins.
    pub(super) fn new(body: B, phase: Phase) -> Self {
        phase.answer_begins();
        Self(body, phase)
    }
}

impl<B: Body + Unpin> Body for AnswerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl<B> Drop for AnswerBody<B> {
    fn drop(&mut self) {
        self.1.0.turn_to(ANSWERED);
    }
}
