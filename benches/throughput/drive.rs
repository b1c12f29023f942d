//! Clients that ask without pause, and what that costs.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    pin::pin,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::time::{sleep, timeout};

use crate::{client::Connection, load::Load, operations::Operation, process, requests::Requests, server::Server};

/// How long an operation is asked for before it is measured.
const WARM_UP: Duration = Duration::from_millis(400);
/// How long it is measured if that is to be short.
const MOMENT: Duration = Duration::from_millis(100);
/// The status of a server that is too busy, how long a client waits before it asks again, and for how long it does.
const TOO_BUSY: u16 = 503;
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);
/// Clients that log in while others are measured.
const LOGINS: usize = 8;

/// What was measured once.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    /// Latencies are in milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) first_byte: f64,
    /// Processor time is in microseconds a request.
    pub(crate) server_cpu: f64,
    pub(crate) postgres_cpu: f64,
    /// In MB.
    pub(crate) peak: f64,
    /// How many requests the server was too busy for.
    pub(crate) refused: f64,
}

/// The time in which answers count.
#[derive(Default)]
struct Window {
    is_open: Cell<bool>,
    is_over: Cell<bool>,
    /// From a request to the end and to the first byte of its answer.
    times: RefCell<Vec<(Duration, Duration)>>,
    /// How many requests the server was too busy for.
    refused: Cell<u32>,
}

/// Lets all clients of an operation ask for some seconds.
pub(crate) async fn drive(server: &Server, load: &Load, operation: Operation, seconds: u32) -> Result<Sample> {
    let address = server.address;
    let requests = Requests::new(operation, load, address).await?;
    let logins = Requests::new(Operation::Login, load, address).await?;
    let (window, over) = (Window::default(), Window::default());
    let length = Duration::from_secs(seconds.into()).max(MOMENT);
    let beside = if operation == Operation::GetDuringLogins { LOGINS } else { 0 };
    let clients = try_join_all((0..operation.clients()).map(|_| ask(&requests, address, &window)));
    let others = try_join_all((0..beside).map(|_| ask(&logins, address, &over)));
    let mut everybody = pin!(async { tokio::try_join!(clients, others).map(drop) });

    process::forget_peak(server.pid())?;
    let mut is_done = ended(WARM_UP.min(length), &mut everybody).await?;
    let before = (process::cpu(server.pid()), process::postgres_cpu(server.postmaster));
    let begun = Instant::now();
    window.is_open.set(true);
    if !is_done {
        is_done = ended(length, &mut everybody).await?;
    }
    window.is_open.set(false);
    let elapsed = begun.elapsed();
    let after = (process::cpu(server.pid()), process::postgres_cpu(server.postmaster));
    window.is_over.set(true);
    over.is_over.set(true);
    if !is_done {
        everybody.await?;
    }
    let peak = process::memory(server.pid(), "VmHWM")?;
    let times = window.times.take();
    let refused = window.refused.get();
    Ok(sample(&times, elapsed, (after.0 - before.0, after.1 - before.1), peak, refused))
}

/// Lets clients go on for some time. Whether they had nothing left to ask for before that was over.
async fn ended(time: Duration, clients: impl Future<Output = Result<()>>) -> Result<bool> {
    timeout(time, clients).await.map_or(Ok(false), |ended| ended.map(|()| true))
}

/// One client.
async fn ask(requests: &Requests<'_>, address: SocketAddr, window: &Window) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let mut request = Vec::new();
    while !window.is_over.get() {
        let Some(asked) = requests.next(&mut request)? else { return Ok(()) };
        let begun = Instant::now();
        let mut answer = connection.exchange(&request).await?;
        // as clients do; giving it up would make the work less
        while answer.status == TOO_BUSY && begun.elapsed() < PATIENCE {
            window.refused.update(|refused| refused + 1);
            sleep(PAUSE).await;
            answer = connection.exchange(&request).await?;
        }
        let (all, first_byte) = (begun.elapsed(), answer.first_byte - begun);
        if window.is_open.get() {
            window.times.borrow_mut().push((all, first_byte));
        }
        requests.check(&asked, &answer)?;
    }
    Ok(())
}

fn sample(times: &[(Duration, Duration)], elapsed: Duration, cpu: (u64, u64), peak: f64, refused: u32) -> Sample {
    let count = times.len().max(1) as f64;
    let millis = |time: &Duration| time.as_secs_f64() * 1e3;
    let all: Vec<f64> = times.iter().map(|(all, _)| millis(all)).collect();
    let first: Vec<f64> = times.iter().map(|(_, first)| millis(first)).collect();
    Sample {
        per_second: times.len() as f64 / elapsed.as_secs_f64(),
        p50: quantile(all.clone(), 0.5),
        p99: quantile(all, 0.99),
        first_byte: quantile(first, 0.5),
        server_cpu: cpu.0 as f64 / count,
        postgres_cpu: cpu.1 as f64 / count,
        peak,
        refused: refused.into(),
    }
}

/// The value that this share of all values does not exceed; of none, 0.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (last * share).round() as usize;
    values.get(index).copied().unwrap_or(0.0)
}
