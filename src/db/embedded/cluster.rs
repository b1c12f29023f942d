//! PostgreSQL's data directory, and what another server may have left in it.

use std::{
    fs::{self, File},
    process,
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    DataDir, Durability,
    programs::{self, Programs},
};

/// What the names of directories begin with that a start removes.
pub(super) const UNFINISHED: &str = "postgres.unfinished";

/// Makes the data directory under another name first, so that an interrupted start leaves nothing half-made.
pub(super) async fn make_cluster(data_dir: &DataDir, programs: &Programs, durability: Durability) -> Result<()> {
    // the initdb of a server that was killed may still write into its own
    let unfinished = data_dir.path().join(format!("{UNFINISHED}.{}", process::id()));
    fs::create_dir(&unfinished)?;
    data_dir.give(&unfinished, 0o700)?;
    let mut initdb = data_dir.command(programs.path("initdb"));
    let options = "-U postgres -A trust -E UTF8 --no-instructions -D";
    initdb.args(options.split(' ')).arg(&unfinished);
    // so that lower() knows more than ASCII, whatever is installed
    if programs.major >= 17 {
        initdb.args(["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
    } else {
        initdb.arg("--locale=C.UTF-8");
    }
    if durability == Durability::ThrownAway {
        initdb.arg("--no-sync");
    }
    let made = initdb.process_group(0).kill_on_drop(true).output().await.context("starting initdb")?;
    ensure!(made.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&made.stderr).trim_end());
    fs::rename(&unfinished, data_dir.cluster())?;
    File::open(data_dir.path())?.sync_all()?;
    Ok(())
}

/// Removes what interrupted starts left. The caller holds the lock of the directory, so no other start is under way.
pub(super) fn clear_unfinished(data_dir: &DataDir) -> Result<()> {
    for entry in fs::read_dir(data_dir.path())?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            // an initdb that outlived its server may still write there; then the next start removes it
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Ends a PostgreSQL that an earlier server left, and clears away what one left that is gone. A process that only has
/// its number is nobody's business.
pub(super) async fn end_leftover(data_dir: &DataDir, programs: &Programs) -> Result<()> {
    let cluster = data_dir.cluster();
    let file = cluster.join("postmaster.pid");
    let Ok(content) = fs::read_to_string(&file) else {
        return Ok(());
    };
    let pid = content.lines().next().unwrap_or_default().trim();
    if programs::command_line(pid).is_some_and(|line| line.contains(&*cluster.to_string_lossy())) {
        let mut stop = data_dir.command(programs.path("pg_ctl"));
        stop.args(["stop", "-m", "fast", "-w", "-t", "120", "-D"]).arg(&cluster);
        let stopped = stop.output().await?;
        if !stopped.status.success() && file.exists() {
            bail!(
                "PostgreSQL (process {pid}) still runs in {}: {}",
                cluster.display(),
                String::from_utf8_lossy(&stopped.stderr)
            );
        }
    } else {
        fs::remove_file(&file)?;
    }
    Ok(())
}
