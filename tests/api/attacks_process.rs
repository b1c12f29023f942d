//! Attacks on the process and its sockets: signals, the log, connections, what holds up a start.

use std::{
    fs::{self, OpenOptions},
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::support::{
    Client,
    program::{Directory, Program, no_postgres_is_left_in},
};

/// Its main thread reads a pipe that nobody writes to, so that no async task of the start goes on.
#[tokio::test]
async fn two_signals_end_it_whatever_its_threads_do() {
    let dir = Directory::new();
    Program::start(dir.path(), &[]).stop();
    let key = dir.path().join("data/secret_key");
    fs::remove_file(&key).unwrap();
    nix::unistd::mkfifo(&key, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for signals in [[Signal::SIGTERM; 2], [Signal::SIGINT, Signal::SIGHUP]] {
        let server = Program::start_unready(dir.path(), &[]);
        // open as soon as it reads
        let _writer = OpenOptions::new().write(true).open(&key).unwrap();
        for signal in signals {
            server.signal(signal);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(server.end().status.code(), Some(130));
        no_postgres_is_left_in(dir.path());
    }
}

#[tokio::test]
async fn sighup_ends_it_as_sigterm_does_unless_nohup_wants_it_ignored() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    server.signal(Signal::SIGHUP);
    assert_eq!(server.end().status.code(), Some(0));
    no_postgres_is_left_in(dir.path());
    let server = Program::start_in_shell("trap '' HUP", dir.path(), &[]);
    server.signal(Signal::SIGHUP);
    Client::at(&server.address).get("/api/").await.is(200);
    assert_eq!(server.stop().status.code(), Some(0));
}
