//! The program itself, started as its users start it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio, id},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid, User},
};

static DIRECTORIES: AtomicUsize = AtomicUsize::new(0);

/// An empty directory that PostgreSQL's user can reach too; removed with this.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        let number = DIRECTORIES.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("hb-{}-{number}", id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program in a directory, with no settings but those given.
pub fn program(dir: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_healthcare-backend"));
    command.args(arguments).current_dir(dir).env_clear().env("PATH", "/usr/bin:/bin");
    command.envs(settings.iter().copied()).stdin(Stdio::null());
    command
}

/// The same program, run by a shell after a line of its own.
pub fn in_shell(line: &str, program: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{line}; exec \"$0\" \"$@\"")]).arg(program.get_program()).args(program.get_args());
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PORT", "0");
    command.current_dir(program.get_current_dir().unwrap()).stdin(Stdio::null());
    command
}

/// Runs a command to its end, with something to read.
pub fn run(dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = program(dir, arguments, &[]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A server that runs.
pub struct Program {
    child: Child,
    /// What it printed: where the API and the database are.
    pub printed: String,
    pub address: String,
}

impl Program {
    /// Starts it on any free port, and waits until it serves.
    pub fn start(dir: &Path, settings: &[(&str, &str)]) -> Self {
        Self::spawn(program(dir, &[], settings).env("PORT", "0"))
    }

    /// The same after a line of shell, such as one that sets a limit.
    pub fn start_in_shell(line: &str, dir: &Path, settings: &[(&str, &str)]) -> Self {
        Self::spawn(&mut in_shell(line, &program(dir, &[], settings)))
    }

    /// Starts it, and waits for nothing.
    pub fn start_unready(dir: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = program(dir, &[], settings);
        let child = command.env("PORT", "0").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, printed: String::new(), address: String::new() }
    }

    /// The same as another user: only root can.
    pub fn start_as(user: &User, dir: &Path) -> Self {
        let mut command = program(dir, &[], &[("PORT", "0")]);
        Self::spawn(command.uid(user.uid.as_raw()).gid(user.gid.as_raw()))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut printed = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !printed.contains("\nDatabase ") {
            if lines.read_line(&mut printed).unwrap() == 0 {
                let mut error = String::new();
                child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
                panic!("it did not start: {printed}{error}");
            }
        }
        let api = printed.lines().find_map(|line| line.strip_prefix("API ")).unwrap();
        let address = api.trim().trim_end_matches("/api/").to_owned();
        Self { child, printed, address }
    }

    /// What it logs, for the test to read, or not.
    pub fn log(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// The most memory that it has had so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for its end, and gives its status and what it logged.
    pub fn end(mut self) -> Output {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
        let mut stderr = Vec::new();
        if let Some(mut log) = self.child.stderr.take() {
            log.read_to_end(&mut stderr).unwrap();
        }
        Output { status: self.child.wait().unwrap(), stdout: Vec::new(), stderr }
    }

    pub fn stop(self) -> Output {
        self.signal(Signal::SIGTERM);
        self.end()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // a failed test: what has ended already is no fault
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The PostgreSQL processes that run on a directory.
pub fn postgres_in(dir: &Path) -> Vec<i32> {
    let output = Command::new("ps").args(["-e", "-o", "pid=,args="]).output().unwrap();
    let wanted = format!("-D {}", dir.join("data/postgres").display());
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.contains(&wanted) && !line.contains("sh -c"))
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect()
}

/// Sends a signal to the PostgreSQL that runs on a directory, and to all processes that it has started.
pub fn signal_postgres_in(dir: &Path, signal: Signal) {
    let [postmaster] = postgres_in(dir)[..] else { panic!("one PostgreSQL") };
    let output = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output().unwrap();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let numbers: Vec<i32> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
        if numbers.contains(&postmaster) {
            kill(Pid::from_raw(numbers[0]), signal).unwrap();
        }
    }
}

/// Waits until no PostgreSQL runs on a directory.
pub fn no_postgres_is_left_in(dir: &Path) {
    let begun = Instant::now();
    while !postgres_in(dir).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?} still run", postgres_in(dir));
        thread::sleep(Duration::from_millis(20));
    }
}

/// Somebody who is not root, if we are.
pub fn ordinary_user() -> Option<User> {
    Uid::effective().is_root().then(|| User::from_name("nobody").unwrap()).flatten()
}
