//! Each connection takes a descriptor, of which the system grants a process only so many (`ulimit -n`).

use anyhow::{Result, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// As many connections as are served at once.
pub(super) const CONNECTIONS: u32 = 4096;
/// Fewer are not worth a start.
const FEWEST: u64 = 16;
/// What the process needs for itself: its streams, its listeners, its runtimes, the look at the database, what it starts and
/// opens for a moment.
const OWN: u64 = 48;
/// As many connections as are served at once of those who look how the server is.
pub const WATCHERS: u16 = 16;

/// Raises the limit, as far as that is needed and granted, and says how many connections fit beside those to the
/// database and, if the server is watched, those of the watchers.
pub fn room_for_connections(database_connections: u32, is_watched: bool) -> Result<usize> {
    let watchers = if is_watched { u64::from(WATCHERS) } else { 0 };
    let reserved = OWN + u64::from(database_connections) + watchers;
    let (mut limit, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = most.min(reserved + u64::from(CONNECTIONS));
    // where it is not granted, what there is must do
    if limit < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, most).is_ok() {
        limit = wanted;
    }
    let room = limit.saturating_sub(reserved).min(CONNECTIONS.into());
    ensure!(
        room >= FEWEST,
        "{limit} open files are too few: raise the limit (ulimit -n) to {} or more, or lower DB_CONNECTIONS",
        reserved + FEWEST
    );
    Ok(usize::try_from(room)?)
}
