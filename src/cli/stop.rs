//! How the process is told to stop.

use std::{fs, thread};

use anyhow::Result;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use super::log;

/// Done when the process is told to stop: Ctrl-C, SIGTERM or SIGHUP. The second time it ends at once. A thread of its
/// own waits for the signals, because all others may be busy.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::new()?
    };
    let (stop, stopped) = oneshot::channel();
    let wait = async move {
        signals.next().await;
        // nobody listens: then the process ends already
        let _ = stop.send(());
        signals.next().await;
        log::flush();
        #[expect(clippy::exit, reason = "that is what is asked for")]
        std::process::exit(130);
    };
    thread::Builder::new().name("signals".into()).spawn(move || runtime.block_on(wait))?;
    Ok(async {
        let _ = stopped.await;
    })
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if survives_hangup() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether SIGHUP is ignored already: nohup asks so.
fn survives_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}
