//! Attacks on the process and its sockets: signals, the log, connections, what holds up a start.

use std::{
    fs::{self, OpenOptions},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

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

/// Asks for the root many times, over four connections, without waiting for one answer before the next request.
async fn ask_often(server: &Program, times: usize) {
    let asking = (0..4).map(|_| {
        let address = server.address.trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            let (mut answers, mut requests) = TcpStream::connect(address).await.unwrap().into_split();
            let request = "GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n".repeat(times / 4 - 1);
            let last = "GET /api/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            let asked = format!("{request}{last}");
            let mut text = String::new();
            let (sent, read) = tokio::join!(requests.write_all(asked.as_bytes()), answers.read_to_string(&mut text));
            sent.and(read).unwrap();
            assert_eq!(text.matches("HTTP/1.1 200 OK").count(), times / 4);
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        let asked = tokio::time::timeout(Duration::from_secs(30), asked).await;
        asked.expect("a request hangs").unwrap();
    }
}

#[tokio::test]
async fn a_log_whose_reader_is_gone_ends_nothing() {
    let dir = Directory::new();
    let mut server = Program::start(dir.path(), &[]);
    drop(server.log());
    ask_often(&server, 100).await;
    assert_eq!(server.stop().status.code(), Some(0));
}

#[tokio::test]
async fn a_full_disk_under_the_log_ends_nothing() {
    let dir = Directory::new();
    let server = Program::start_in_shell("exec 2>/dev/full", dir.path(), &[]);
    ask_often(&server, 100).await;
    assert_eq!(server.stop().status.code(), Some(0));
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_request_and_counts_what_is_lost() {
    let dir = Directory::new();
    let mut server = Program::start(dir.path(), &[]);
    // the pipe takes 64 KiB, the server keeps half a MiB at most
    let asked = 8000;
    ask_often(&server, asked).await;
    let mut log = server.log();
    let log = std::thread::spawn(move || std::io::read_to_string(&mut log).unwrap());
    ask_often(&server, 4).await;
    assert_eq!(server.stop().status.code(), Some(0));
    let log = log.join().unwrap();
    let (reports, lines): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| line.contains(" ERROR "));
    let lost: usize =
        reports.iter().map(|report| report.split_whitespace().nth(2).unwrap().parse::<usize>().unwrap()).sum();
    assert!(lost > 0);
    assert_eq!(lines.len() + lost, asked + 4, "{reports:?}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_does_not_keep_it_from_ending() {
    let dir = Directory::new();
    let mut server = Program::start(dir.path(), &[]);
    let _log = server.log();
    ask_often(&server, 2000).await;
    let begun = Instant::now();
    assert_eq!(server.stop().status.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
