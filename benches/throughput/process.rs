//! What processes cost: processor time and memory, as Linux says in `/proc`.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

/// A hundredth of a second: the unit of Linux for all programs.
const TICK_MICROS: u64 = 10_000;

/// The fields of `/proc/<pid>/stat` behind the name: the parent is 1, own time is 11 and 12, that of children that have
/// ended 13 and 14.
fn stat(pid: u32) -> Option<Vec<u64>> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = line.rsplit_once(')')?;
    Some(fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

fn micros(fields: &[u64], from: usize, to: usize) -> u64 {
    fields.get(from..to).unwrap_or_default().iter().sum::<u64>() * TICK_MICROS
}

/// The time of a process so far, in microseconds.
pub(crate) fn cpu(pid: u32) -> u64 {
    stat(pid).map_or(0, |fields| micros(&fields, 11, 13))
}

/// The same of a PostgreSQL: of its postmaster, and of all processes that this has started, also of those that have ended.
pub(crate) fn postgres_cpu(postmaster: u32) -> u64 {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let stats = pids.filter_map(stat).filter(|fields| fields.get(1) == Some(&u64::from(postmaster)));
    let ended_too = stat(postmaster).map_or(0, |fields| micros(&fields, 11, 15));
    ended_too + stats.map(|fields| micros(&fields, 11, 15)).sum::<u64>()
}

/// Forgets the most memory that a process has had.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("resetting the peak of memory")
}

/// The memory of a process in MB: `VmRSS`, what it has, or `VmHWM`, the most that it has had.
pub(crate) fn memory(pid: u32, what: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).context("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0 / 1e6)
}

/// The folder of a process's program.
pub(crate) fn program_folder(pid: u32) -> Result<PathBuf> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).context("the program of PostgreSQL")?;
    Ok(program.parent().context("no folder")?.to_owned())
}

/// What the processors are called, and how many there are.
pub(crate) fn machine() -> String {
    let file = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = file.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{cores} cores of {}", name.map_or("an unnamed processor", |(_, name)| name.trim()))
}
