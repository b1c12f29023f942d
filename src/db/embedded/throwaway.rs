//! The PostgreSQL of the tests.

use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{DataDir, Durability, Embedded};

/// Runs a throw-away PostgreSQL until no test has used it for some seconds. A test uses it while it holds a shared lock
/// on the file `users` in its directory.
pub async fn serve_tests(dir: &Path, bindir: Option<&Path>) -> Result<()> {
    const IDLE_SECONDS: u32 = 5;
    const CONNECTIONS: u32 = 480;
    let data_dir = DataDir::at(dir)?;
    let users = File::create(dir.join("users"))?;
    if data_dir.cluster().exists() {
        // of a run that was killed; if it still runs, the lock says so
        let _lock = data_dir.lock()?.context("another instance is running")?;
        fs::remove_dir_all(data_dir.cluster())?;
    }
    let embedded = Embedded::start(data_dir.clone(), bindir, Durability::ThrownAway, CONNECTIONS).await?;
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
    fs::remove_dir_all(data_dir.cluster())?;
    Ok(())
}
