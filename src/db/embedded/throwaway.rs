//! The PostgreSQL of the tests.

use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{Durability, Embedded, Place};

/// Runs a throw-away PostgreSQL until no test has used it for some seconds. A test uses it while it holds a shared lock
/// on the file `users` in its directory.
pub async fn serve_tests(dir: &Path, bindir: Option<&Path>) -> Result<()> {
    const IDLE_SECONDS: u32 = 5;
    const CONNECTIONS: u32 = 480;
    let place = Place::at(dir)?;
    let users = File::create(dir.join("users"))?;
    if place.cluster().exists() {
        // of a run that was killed; if it still runs, the lock says so
        let _lock = place.lock()?.context("another instance is running")?;
        fs::remove_dir_all(place.cluster())?;
    }
    let embedded = Embedded::start(place.clone(), bindir, Durability::ThrownAway, CONNECTIONS).await?;
    let mut idle = 0;
    loop {
        sleep(Duration::from_secs(1)).await;
        match users.try_lock() {
            Err(_) => idle = 0,
            Ok(()) if idle < IDLE_SECONDS => {
                idle += 1;
                users.unlock()?;
            }
            Ok(()) => break,
        }
    }
    embedded.stop().await?;
    fs::remove_dir_all(place.cluster())?;
    Ok(())
}
