//! A start while the database is still coming up.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    Client, SECRET_KEY, TestApp,
    program::{Directory, program},
};

/// Starts a server whose database is not there yet, and returns the first line of its log.
fn start(dir: &Path, app: &TestApp, wait: &str) -> (Child, String) {
    let name = app.database.options.get_database().unwrap();
    let socket = dir.join("socket");
    let settings = [
        ("PORT", "0"),
        ("SECRET_KEY", SECRET_KEY),
        ("DB_NAME", name),
        ("DB_USER", "postgres"),
        ("DB_HOST", socket.to_str().unwrap()),
        ("DATABASE_WAIT", wait),
    ];
    let mut command = program(dir, &[], &settings);
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(1, server.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    (server, line)
}

/// Where the sockets of the tests' PostgreSQL are, if it has one.
fn socket(app: &TestApp) -> Option<PathBuf> {
    app.database.options.get_socket().cloned()
}

#[tokio::test]
async fn waits_for_it_says_so_and_serves_within_a_second_of_its_coming() {
    let app = TestApp::start().await;
    let Some(there) = socket(&app) else { return };
    let dir = Directory::new();
    let (mut server, line) = start(dir.path(), &app, "20s");
    assert!(line.contains(" waiting for database ") && line.contains(", 20 s at most: "), "{line}");
    symlink(there, dir.path().join("socket")).unwrap();
    let begun = Instant::now();
    let mut printed = String::new();
    let mut lines = BufReader::new(server.stdout.take().unwrap());
    while !printed.contains("\nDatabase ") {
        assert!(lines.read_line(&mut printed).unwrap() > 0, "{printed}");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let api = printed.lines().find_map(|line| line.strip_prefix("API ")).unwrap();
    Client::at(api.trim().trim_end_matches("/api/")).get("/readyz").await.is(200);
    kill(Pid::from_raw(server.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(server.wait().unwrap().success());
}

#[tokio::test]
async fn gives_up_in_time_and_says_why() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let (mut server, _) = start(dir.path(), &app, "1s");
    let begun = Instant::now();
    let mut error = String::new();
    server.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(error.contains("(from DB_NAME) can't be used: ") && error.contains("os error 2"), "{error}");
}

#[tokio::test]
async fn ends_at_once_when_it_is_told_to_stop_meanwhile() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let (mut server, _) = start(dir.path(), &app, "1m");
    let begun = Instant::now();
    kill(Pid::from_raw(server.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(server.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}
