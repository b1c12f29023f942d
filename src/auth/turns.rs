//! Work that takes all of a core, on threads of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use tokio::sync::oneshot;

use crate::error::{ApiError, Result};

type Work = Box<dyn FnOnce() + Send>;

/// Threads that take turns. What a hash takes of the memory, the next one on its thread takes again; among many threads
/// each would come to keep its 19 MiB.
#[derive(Clone)]
pub(super) struct Turns(Sender<Work>);

impl Turns {
    /// So many threads, which end with the last of these.
    pub(super) fn new(threads: usize) -> Self {
        let (sender, works) = channel();
        let works = Arc::new(Mutex::new(works));
        for _ in 0..threads {
            let works = Arc::clone(&works);
            thread::spawn(move || {
                while let Some(work) = next(&works) {
                    // who waits for it is told that it came to nothing
                    let _ = catch_unwind(AssertUnwindSafe(work));
                }
            });
        }
        Self(sender)
    }

    /// Does it when a thread is free. It is done even if nobody waits for it any more.
    pub(super) async fn take<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (sender, done) = oneshot::channel();
        let work = Box::new(move || {
            let _ = sender.send(work());
        });
        let failed = || ApiError::Internal("hashing a password".into());
        self.0.send(work).map_err(|_| failed())?;
        done.await.map_err(|_| failed())
    }
}

/// The next work. None: there will be no more.
fn next(works: &Mutex<Receiver<Work>>) -> Option<Work> {
    works.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
