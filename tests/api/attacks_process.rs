//! Attacks on the process and its sockets: signals, the log, connections, what holds up a start.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use healthcare_backend::db::Db;
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::Signal,
};
use serde_json::json;
use sqlx::{ConnectOptions, PgConnection, migrate::Migrate, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{
    Client,
    database::TestDatabase,
    program::{Directory, Program, in_shell, no_postgres_is_left_in, program},
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
    for form in ["text", "json"] {
        let dir = Directory::new();
        let mut server = Program::start(dir.path(), &[("LOG_FORMAT", form)]);
        // the pipe takes 64 KiB, the server keeps half a MiB at most
        let asked = 8000;
        ask_often(&server, asked).await;
        let mut log = server.log();
        let log = std::thread::spawn(move || std::io::read_to_string(&mut log).unwrap());
        ask_often(&server, 4).await;
        assert_eq!(server.stop().status.code(), Some(0));
        let log = log.join().unwrap();
        let (reports, lines): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| line.contains("ERROR"));
        let number =
            |report: &str| report.split(" lines of the log").next()?.rsplit([' ', '"']).next()?.parse::<usize>().ok();
        let lost: usize = reports.iter().map(|report| number(report).unwrap_or_else(|| panic!("{report}"))).sum();
        assert!(lost > 0);
        assert_eq!(lines.len() + lost, asked + 4, "{reports:?}");
        let is_json = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        let parsed = reports.iter().filter(|line| is_json(line)).count();
        assert_eq!(parsed, if form == "json" { reports.len() } else { 0 });
    }
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

const GET: &str = "GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n";

/// Connects from one of this machine's own addresses.
async fn connect(server: &Program, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(server.address.trim_start_matches("http://").parse().unwrap()).await.unwrap()
}

/// Sends a request, and says whether all of an answer comes in less time than a client that sends nothing may take.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let answered = async {
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        stream.write_all(GET.as_bytes()).await?;
        while !text.ends_with('}') {
            match stream.read(&mut buffer).await? {
                0 => break,
                bytes => text.push_str(&String::from_utf8_lossy(&buffer[..bytes])),
            }
        }
        std::io::Result::Ok(text.starts_with("HTTP/1.1 200 OK"))
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), answered).await, Ok(Ok(true)))
}

/// Opens connections that wait in every way there is: before a head, within one, within a body, after an answer.
async fn occupy(server: &Program, count: usize) -> Vec<TcpStream> {
    let needed = u64::try_from(count).unwrap() + 1000;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(needed), hard).unwrap();
    let body =
        "POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let mut streams = Vec::new();
    for text in ["", "GET /api/ HT", body, GET].iter().cycle().take(count) {
        let mut stream = connect(server, "127.0.0.1").await;
        // those that are closed already have done their part
        let _ = stream.write_all(text.as_bytes()).await;
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn whoever_takes_all_connections_shuts_nobody_else_out() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let mut neighbour = connect(&server, "127.0.0.3").await;
    assert!(is_answered(&mut neighbour).await);
    let _occupied = occupy(&server, 4200).await;
    assert!(is_answered(&mut connect(&server, "127.0.0.2").await).await, "a new client");
    assert!(is_answered(&mut neighbour).await, "one that was there before");
    assert!(is_answered(&mut connect(&server, "127.0.0.1").await).await, "a new client of the same address");
}

#[tokio::test]
async fn few_descriptors_are_enough_for_new_clients_and_for_the_database() {
    let dir = Directory::new();
    let server = Program::start_in_shell("ulimit -n 200", dir.path(), &[("DB_CONNECTIONS", "4")]);
    let _occupied = occupy(&server, 500).await;
    assert!(is_answered(&mut connect(&server, "127.0.0.2").await).await);
    Client::at(&server.address).registered("alice").await.get("/api/patients/").await.says(200, json!([]));
    let log = String::from_utf8(server.stop().stderr).unwrap();
    assert!(!log.contains("accepting a connection"), "{log}");
}

#[tokio::test]
async fn a_low_soft_limit_of_descriptors_is_raised() {
    let dir = Directory::new();
    let server = Program::start_in_shell("ulimit -S -n 200", dir.path(), &[("DB_CONNECTIONS", "4")]);
    let mut occupied = occupy(&server, 400).await;
    assert!(is_answered(&mut occupied[0]).await);
}

#[test]
fn too_few_descriptors_are_a_clear_error() {
    let dir = Directory::new();
    let program = program(dir.path(), &[], &[("DB_CONNECTIONS", "4")]);
    let output = in_shell("ulimit -n 60", &program).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = "error: 60 open files are too few: raise the limit (ulimit -n) to 68 or more, or lower DB_CONNECTIONS\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
}

#[tokio::test]
async fn a_request_under_way_is_not_closed_to_make_room() {
    let dir = Directory::new();
    let server = Program::start_in_shell("ulimit -n 200", dir.path(), &[("DB_CONNECTIONS", "4")]);
    let alice = Client::at(&server.address).registered("alice").await;
    let mut other = database_in(&dir).await;
    sqlx::raw_sql("begin; lock table patients").execute(&mut other).await.unwrap();
    let waiting = tokio::spawn(async move { alice.get("/api/patients/").await });
    let is_waiting = "select exists (select from pg_locks where not granted)";
    while !sqlx::query_scalar::<_, bool>(is_waiting).fetch_one(&mut other).await.unwrap() {}
    let _occupied = occupy(&server, 250).await;
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    waiting.await.unwrap().says(200, json!([]));
}

/// A connection to the private database of a server that runs in a directory.
pub async fn database_in(dir: &Directory) -> PgConnection {
    let options = PgConnectOptions::new_without_pgpass().username("postgres").database("healthcare");
    options.socket(dir.path().join("data/socket")).connect().await.unwrap()
}

#[tokio::test]
async fn a_migration_that_waits_for_another_says_so() {
    let dir = Directory::new();
    let _server = Program::start(dir.path(), &[]);
    let mut other = database_in(&dir).await;
    other.lock().await.unwrap();
    let mut migrate =
        program(dir.path(), &["migrate"], &[]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(migrate.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with("waiting for another process that migrates the database, 120 s at most\n"), "{line}");
    other.unlock().await.unwrap();
    assert!(migrate.wait().unwrap().success());
}

#[tokio::test]
async fn a_migration_that_waits_too_long_gives_up() {
    let database = TestDatabase::new();
    let mut other = database.connect().await;
    other.lock().await.unwrap();
    let migrating = Db::migrate(&database.options, Duration::from_secs(2));
    let migrated = tokio::time::timeout(Duration::from_secs(10), migrating).await.expect("it waits for ever");
    let said = migrated.unwrap_err().to_string();
    assert!(said.starts_with("another process has held the lock of its migrations for 2 s: end it, "), "{said}");
    other.unlock().await.unwrap();
    Db::migrate(&database.options, Duration::from_secs(2)).await.unwrap();
}

#[tokio::test]
async fn what_a_killed_initdb_leaves_is_gone_after_the_next_start() {
    let dir = Directory::new();
    Program::start(dir.path(), &[]).stop();
    let unfinished = dir.path().join("data/postgres.unfinished.99");
    fs::create_dir_all(unfinished.join("base")).unwrap();
    Program::start(dir.path(), &[]).stop();
    assert!(!unfinished.exists());
}
