//! The program with nothing set up: the PostgreSQL that it runs.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    process::Command,
};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{
    Client, PASSWORD, john_doe,
    program::{Directory, Program, no_postgres_is_left_in, ordinary_user, postgres_in, program},
};

/// Everything of the first user's patients that is there.
async fn patients(server: &Program) -> Value {
    let alice = Client::at(&server.address).logged_in("alice@example.com").await;
    alice.get("/api/patients/").await.is(200).body
}

async fn register_and_add(server: &Program) -> Value {
    let alice = Client::at(&server.address).registered("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201).body
}

#[tokio::test]
async fn ctrl_c_and_sigterm_end_both_and_keep_everything() {
    let dir = Directory::new();
    let mut server = Program::start(dir.path(), &[]);
    let data = dir.path().canonicalize().unwrap().join("data");
    let printed = &server.printed;
    let lines: Vec<&str> = printed.lines().collect();
    let program = concat!("healthcare-backend ", env!("CARGO_PKG_VERSION"));
    let docs = format!("Docs      {}/api/docs/", server.address);
    assert_eq!(lines[..2], [program, &docs]);
    assert!(lines[2].starts_with("API       http://127.0.0.1:"), "{printed}");
    assert!(printed.contains("Database  PostgreSQL "), "{printed}");
    assert!(printed.contains(&format!("embedded in {}", data.display())), "{printed}");
    let patient = register_and_add(&server).await;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        server.signal(signal);
        assert_eq!(server.end().status.code(), Some(0));
        no_postgres_is_left_in(dir.path());
        server = Program::start(dir.path(), &[]);
        assert_eq!(patients(&server).await, json!([patient]));
    }
}

#[tokio::test]
async fn kill_9_leaves_no_postgres_behind_and_loses_nothing() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let patient = register_and_add(&server).await;
    server.signal(Signal::SIGKILL);
    server.end();
    // at once: the old PostgreSQL may still be stopping
    let server = Program::start(dir.path(), &[]);
    assert_eq!(patients(&server).await, json!([patient]));
    server.signal(Signal::SIGKILL);
    server.end();
    no_postgres_is_left_in(dir.path());
}

#[tokio::test]
async fn a_crash_of_postgresql_is_survived_and_loses_nothing() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let patient = register_and_add(&server).await;
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let postmaster = fs::read_to_string(dir.path().join("data/postgres/postmaster.pid")).unwrap();
        let pid = nix::unistd::Pid::from_raw(postmaster.lines().next().unwrap().parse().unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
        let client = Client::at(&server.address);
        let credentials = json!({"email": "alice@example.com", "password": PASSWORD});
        let begun = std::time::Instant::now();
        loop {
            let status = client.post("/api/auth/login/", credentials.clone()).await.status;
            if status == 200 && begun.elapsed() > std::time::Duration::from_secs(1) {
                break;
            }
            assert!(status == 503 || status == 200, "{status}");
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "not back");
        }
        assert_eq!(patients(&server).await, json!([patient]));
    }
    assert_eq!(server.stop().status.code(), Some(0));
    no_postgres_is_left_in(dir.path());
}

/// By the server alone: a PostgreSQL that finds the socket in its environment would say that it is ready, too early.
#[tokio::test]
async fn systemd_is_told_when_it_serves_and_when_it_stops() {
    let dir = Directory::new();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let told = || {
        let mut message = [0; 1000];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let server = Program::start(dir.path(), &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(told(), "READY=1\n");
    server.stop();
    assert_eq!(told(), "STOPPING=1\n");
    socket.set_nonblocking(true).unwrap();
    assert_eq!(socket.recv(&mut [0; 1000]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

/// An unfinished start is still at work when the next begins.
#[tokio::test]
async fn kill_9_during_the_first_start_does_not_hinder_the_next() {
    for milliseconds in [20, 100, 300] {
        let dir = Directory::new();
        let mut first = program(dir.path(), &[], &[("PORT", "0")])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
        first.kill().unwrap();
        first.wait().unwrap();
        register_and_add(&Program::start(dir.path(), &[])).await;
    }
}

#[tokio::test]
async fn while_postgresql_is_frozen_the_answer_is_503_and_then_all_is_well() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    // a statement that is under way, because it waits for this
    let options = sqlx::postgres::PgConnectOptions::new_without_pgpass().username("postgres").database("healthcare");
    let socket = dir.path().join("data/socket");
    let mut other = sqlx::ConnectOptions::connect(&options.socket(socket)).await.unwrap();
    sqlx::raw_sql("begin; lock table patients").execute(&mut other).await.unwrap();
    let waiting = alice.clone();
    let begun = std::time::Instant::now();
    let waiting = tokio::spawn(async move { waiting.get("/api/patients/").await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let postmaster = postgres_in(dir.path())[0].to_string();
    let ps = Command::new("ps").args(["-o", "pid=", "--ppid", &postmaster]).output().unwrap();
    let all = format!("{postmaster}\n{}", String::from_utf8_lossy(&ps.stdout));
    let all: Vec<_> = all.split_whitespace().map(|pid| nix::unistd::Pid::from_raw(pid.parse().unwrap())).collect();
    for pid in &all {
        nix::sys::signal::kill(*pid, Signal::SIGSTOP).unwrap();
    }
    for reply in [alice.get("/api/patients/").await, waiting.await.unwrap()] {
        assert!(begun.elapsed() < std::time::Duration::from_millis(4500), "{:?}", begun.elapsed());
        assert_eq!(reply.header("allow"), "GET, POST, HEAD, OPTIONS");
        reply.says(503, json!({"detail": "Service temporarily unavailable, try again later."}));
    }
    for pid in &all {
        nix::sys::signal::kill(*pid, Signal::SIGCONT).unwrap();
    }
    drop(other);
    alice.get("/api/patients/").await.says(200, json!([]));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let stopped: Vec<i32> = postgres_in(dir.path());
    for pid in &stopped {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), Signal::SIGSTOP).unwrap();
    }
    server.signal(Signal::SIGTERM);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().status.code(), Some(130));
    for pid in &stopped {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(*pid), Signal::SIGCONT).unwrap();
    }
    no_postgres_is_left_in(dir.path());
}

#[tokio::test]
async fn a_second_server_is_told_and_a_command_joins_the_first() {
    let dir = Directory::new();
    let _server = Program::start(dir.path(), &[]);
    let second = program(dir.path(), &["serve"], &[("PORT", "0")]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.starts_with("error: another instance is using "), "{said}");
    let migrate = program(dir.path(), &["migrate"], &[]).output().unwrap();
    assert!(migrate.status.success(), "{migrate:?}");
    assert_eq!(postgres_in(dir.path()).len(), 1);
}

#[tokio::test]
async fn migrate_alone_leaves_nothing_running() {
    let dir = Directory::new();
    let migrate = program(dir.path(), &["migrate"], &[]).output().unwrap();
    assert!(migrate.status.success(), "{migrate:?}");
    no_postgres_is_left_in(dir.path());
    assert!(dir.path().join("data/postgres/PG_VERSION").exists());
}

#[tokio::test]
async fn an_interrupted_first_start_heals_itself() {
    let dir = Directory::new();
    let unfinished = dir.path().join("data/postgres.unfinished/base");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("1"), "half").unwrap();
    let server = Program::start(dir.path(), &[]);
    register_and_add(&server).await;
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_stale_pid_file_neither_stops_it_nor_harms_a_stranger() {
    let dir = Directory::new();
    Program::start(dir.path(), &[]).stop();
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    let data = dir.path().join("data/postgres");
    let pid_file = format!("{}\n{}\n1\n5432\n/tmp\n\n\nready\n", stranger.id(), data.display());
    fs::write(data.join("postmaster.pid"), pid_file).unwrap();
    let server = Program::start(dir.path(), &[]);
    register_and_add(&server).await;
    assert!(stranger.try_wait().unwrap().is_none());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_served_all_the_same() {
    let dir = Directory::new();
    let deep = dir.path().join("d".repeat(60)).join("e".repeat(60));
    fs::create_dir_all(&deep).unwrap();
    let server = Program::start(&deep, &[]);
    register_and_add(&server).await;
    let pid_file = fs::read_to_string(deep.join("data/postgres/postmaster.pid")).unwrap();
    let socket_dir = pid_file.lines().nth(4).unwrap().to_owned();
    assert!(!socket_dir.starts_with(&*deep.to_string_lossy()));
    server.stop();
    assert!(!std::path::Path::new(&socket_dir).exists());
}

#[tokio::test]
async fn runs_as_an_ordinary_user_too() {
    let Some(user) = ordinary_user() else {
        // then every other test here has just done so
        return;
    };
    let dir = Directory::new();
    std::os::unix::fs::chown(dir.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    let server = Program::start_as(&user, dir.path());
    register_and_add(&server).await;
    assert_eq!(server.stop().status.code(), Some(0));
    no_postgres_is_left_in(dir.path());
}

#[test]
fn what_is_missing_or_does_not_fit_is_said_with_its_remedy() {
    let dir = Directory::new();
    let fails = |settings: &[(&str, &str)]| {
        let output = program(dir.path(), &[], &[&[("PORT", "0")], settings].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = fails(&[("PG_BINDIR", "/nonexistent")]);
    assert_eq!(said, "error: PG_BINDIR: no initdb and postgres that run in /nonexistent\n");
    fs::create_dir_all(dir.path().join("data/postgres")).unwrap();
    fs::write(dir.path().join("data/postgres/PG_VERSION"), "9\n").unwrap();
    let said = fails(&[]);
    assert!(said.contains("is PostgreSQL 9's; installed: ") && said.contains("Install PostgreSQL 9"), "{said}");
}

#[test]
fn its_key_is_kept_and_is_for_its_owner_alone() {
    let dir = Directory::new();
    let key = || fs::read_to_string(dir.path().join("data/secret_key")).unwrap();
    Program::start(dir.path(), &[]).stop();
    let first = key();
    Program::start(dir.path(), &[]).stop();
    assert_eq!((first.len(), key()), (64, first));
    for file in ["secret_key", "postgres.log"] {
        let mode = fs::metadata(dir.path().join("data").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
