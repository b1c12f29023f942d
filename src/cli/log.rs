//! The log goes to standard error by way of a buffer and a thread of its own. So a reader that is gone, a full disk or a
//! reader that stalls costs lines, which are counted, and neither stops a request nor ends the process.

use std::{
    io::{self, IsTerminal, Write},
    mem,
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use tracing_subscriber::EnvFilter;

use super::lines::Lines;

/// The most that waits to be written, in bytes: some thousand lines.
const ROOM: usize = 256 * 1024;
/// How long lines are gathered, because to wake a thread and to write cost more than a line does.
const GATHER: Duration = Duration::from_millis(5);
/// How long the end of the process waits for the last lines.
const FLUSH: Duration = Duration::from_secs(1);
/// When a standard error that does not block is tried again.
const RETRY: Duration = Duration::from_millis(10);

static BUFFER: Mutex<Buffer> = Mutex::new(Buffer { lines: Vec::new(), lost: 0, is_writing: false });
static FORM: OnceLock<Lines> = OnceLock::new();
static FILLED: Condvar = Condvar::new();
static WRITTEN: Condvar = Condvar::new();

struct Buffer {
    lines: Vec<u8>,
    lost: usize,
    /// Whether the thread is at work, and looks for more lines by itself.
    is_writing: bool,
}

impl Buffer {
    fn lock() -> MutexGuard<'static, Self> {
        BUFFER.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a line goes: to the buffer, or nowhere when that is full.
struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut buffer = Buffer::lock();
        if buffer.lines.len() + line.len() > ROOM {
            buffer.lost += 1;
            return Ok(line.len());
        }
        let is_awaited = buffer.lines.is_empty() && !buffer.is_writing;
        buffer.lines.extend_from_slice(line);
        drop(buffer);
        if is_awaited {
            FILLED.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to log what the filter lets through.
pub(super) fn start(filter: &str, form: Lines) -> io::Result<()> {
    thread::Builder::new().name("log".into()).spawn(move || write_lines(form))?;
    let _ = FORM.set(form);
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(|| Line)
        .with_ansi(io::stderr().is_terminal())
        // it would print them, and panic where it can't
        .log_internal_errors(false)
        .fmt_fields(form)
        .event_format(form)
        .init();
    // a panic's message may quote what a patient's row holds
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!("a panic at {}", place.unwrap_or_default());
    }));
    Ok(())
}

/// Adds why the process ends, which is no event: no filter keeps it back.
pub(super) fn print_error(error: &str) {
    let line = match FORM.get() {
        Some(Lines::Json) => Lines::Json.error(error),
        _ => format!("error: {error}\n"),
    };
    // never fails
    let _ = Line.write(line.as_bytes());
}

/// Waits until all is written, but not long.
pub(super) fn flush() {
    let is_left = |buffer: &mut Buffer| buffer.is_writing || !buffer.lines.is_empty();
    drop(WRITTEN.wait_timeout_while(Buffer::lock(), FLUSH, is_left));
}

fn write_lines(form: Lines) {
    let mut lines = Vec::new();
    let mut is_cut = false;
    loop {
        let mut buffer =
            FILLED.wait_while(Buffer::lock(), |buffer| buffer.lines.is_empty()).unwrap_or_else(PoisonError::into_inner);
        buffer.is_writing = true;
        drop(buffer);
        thread::sleep(GATHER);
        let mut buffer = Buffer::lock();
        mem::swap(&mut buffer.lines, &mut lines);
        let lost = mem::take(&mut buffer.lost);
        drop(buffer);
        if is_cut {
            lines.insert(0, b'\n');
        }
        let report = if lost == 0 { String::new() } else { report(lost, form) };
        lines.extend_from_slice(report.as_bytes());
        let (written, unwritten) = write(&lines);
        is_cut = written.last().map_or(is_cut, |byte| *byte != b'\n');
        let mut buffer = Buffer::lock();
        if !unwritten.is_empty() {
            let unreported = unwritten.get(..unwritten.len().saturating_sub(report.len())).unwrap_or_default();
            buffer.lost += lost + unreported.split(|byte| *byte == b'\n').skip(1).count();
        }
        buffer.is_writing = false;
        drop(buffer);
        lines.clear();
        WRITTEN.notify_all();
    }
}

/// The line that says how many others are missing, in the form of those.
fn report(lost: usize, form: Lines) -> String {
    form.error(&format!("{lost} lines of the log are lost: standard error did not take them"))
}

/// Writes lines as far as it can, and says how far that was.
fn write(lines: &[u8]) -> (&[u8], &[u8]) {
    let mut written = 0;
    while let Some(rest @ [_, ..]) = lines.get(written..) {
        match io::stderr().write(rest) {
            Ok(bytes @ 1..) => written += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
            Ok(0) | Err(_) => break,
        }
    }
    lines.split_at(written)
}
