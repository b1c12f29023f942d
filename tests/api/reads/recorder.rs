//! Records are written in the background, and none is lost but in a crash.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use healthcare_backend::config::{ReadAudit, WhenFull};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::recorded;
use crate::{
    config::url,
    support::{
        Client, Reply, SECRET_KEY, TestApp, detail, john_doe,
        program::{Directory, Program, signal_postgres_in},
    },
};

const REQUESTS: &str = "select coalesce(jsonb_agg(request_id order by id), '[]') from access_log";

fn ids(replies: &[Reply]) -> Value {
    replies.iter().map(|reply| reply.header("x-request-id")).collect()
}

/// Reads the first patient so many times, one after the other.
async fn reads(client: &Client, count: usize) -> Vec<Reply> {
    let mut replies = Vec::new();
    for _ in 0..count {
        replies.push(client.get("/api/patients/1/").await.is(200));
    }
    replies
}

/// An application with room for a few records, Alice with a patient, and somebody who keeps the record to himself.
async fn full(when_full: WhenFull) -> (TestApp, Client, PgConnection) {
    let app = TestApp::auditing(ReadAudit { when_full, room: 1000, ..ReadAudit::default() }).await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let mut other = app.connection().await;
    sqlx::raw_sql("begin; lock table access_log in share mode").execute(&mut other).await.unwrap();
    (app, alice, other)
}

/// What is logged by the thread of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The program on the database of an application, with settings.
pub fn program(app: &TestApp, dir: &Directory, settings: &[(&str, &str)]) -> (Program, Client) {
    let url = url(app);
    let ours = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET_KEY)];
    let program = Program::start(dir.path(), &[&ours, settings].concat());
    let client = Client::at(&program.address);
    (program, client)
}

#[tokio::test]
async fn what_waits_is_written_when_the_server_stops() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let (server, anybody) = program(&app, &dir, &[]);
    let alice = anybody.registered("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let replies = reads(&alice, 20).await;
    // the server would wait a second for its connection
    drop(alice);
    let output = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    assert!(output.status.success());
    assert_eq!(app.value(REQUESTS).await, ids(&replies));
}

#[tokio::test]
async fn a_server_that_may_not_write_the_last_records_stops_nevertheless_and_says_so() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let (server, anybody) = program(&app, &dir, &[]);
    let alice = anybody.registered("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let mut other = app.connection().await;
    sqlx::raw_sql("begin; lock table access_log in share mode").execute(&mut other).await.unwrap();
    reads(&alice, 3).await;
    let output = server.stop();
    assert!(output.status.success());
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("ERROR the last records of reads are lost: the database does not take them"), "{log}");
}

#[tokio::test]
async fn a_database_that_stands_still_gets_every_record_once() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let mut replies = reads(&alice, 10).await;
    signal_postgres_in(dir.path(), Signal::SIGSTOP);
    // longer than a statement may take
    tokio::time::sleep(Duration::from_secs(5)).await;
    signal_postgres_in(dir.path(), Signal::SIGCONT);
    replies.extend(reads(&alice, 5).await);
    assert!(server.stop().status.success());
    assert_eq!(requests_in(&dir).await, ids(&replies));
}

#[tokio::test]
async fn a_commit_that_lasts_longer_than_the_server_waits_writes_a_record_once() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    // at the commit of the first attempt
    app.sql(
        "create sequence attempts; \
         create function slow() returns trigger language plpgsql as \
             'begin if nextval(''attempts'') = 1 then perform pg_sleep(4.5); end if; return null; end'; \
         create constraint trigger slow after insert on access_log deferrable initially deferred \
             for each row execute function slow()",
    )
    .await;
    let replies = reads(&alice, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let is_busy = "select exists (select from pg_stat_activity where datname = current_database() and state = 'active' \
                   and query like '%insert into access_log%' and pid <> pg_backend_pid())";
    let begun = Instant::now();
    while app.value(is_busy).await == json!(true) {
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(app.value(REQUESTS).await, ids(&replies));
}

#[tokio::test]
async fn a_database_that_dies_gets_the_records_when_it_is_back() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let mut replies = reads(&alice, 10).await;
    signal_postgres_in(dir.path(), Signal::SIGKILL);
    let begun = Instant::now();
    loop {
        let reply = alice.get("/api/patients/1/").await;
        if reply.status == 200 {
            replies.push(reply);
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(server.stop().status.success());
    assert_eq!(requests_in(&dir).await, ids(&replies));
}

/// What the record of a private database has.
async fn requests_in(dir: &Directory) -> Value {
    let server = Program::start(dir.path(), &[]);
    let mut connection = crate::attacks_process::database_in(dir).await;
    let requests: sqlx::types::JsonValue = sqlx::query_scalar(REQUESTS).fetch_one(&mut connection).await.unwrap();
    server.stop();
    requests
}

#[tokio::test]
async fn when_there_is_no_room_requests_wait_and_nothing_is_lost() {
    let (app, alice, mut other) = full(WhenFull::Wait).await;
    let waiting = tokio::spawn(async move { reads(&alice, 20).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!waiting.is_finished());
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    let replies = waiting.await.unwrap();
    recorded(&app, 20).await;
    assert_eq!(app.value(REQUESTS).await, ids(&replies));
}

#[tokio::test]
async fn who_waits_too_long_for_room_gets_a_503_and_sees_nothing() {
    let (app, alice, mut other) = full(WhenFull::Wait).await;
    let mut shown = Vec::new();
    let refused = loop {
        let reply = alice.get("/api/patients/1/").await;
        if reply.status != 200 {
            break reply;
        }
        shown.push(reply);
        assert!(shown.len() < 20, "there is always room");
    };
    assert!(!shown.is_empty());
    assert_eq!(refused.header("retry-after"), "1");
    refused.says(503, detail("Service temporarily unavailable, try again later."));
    // what needs no record needs no room
    alice.get("/api/doctors/").await.says(200, json!([]));
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(app.value(REQUESTS).await, ids(&shown));
}

#[tokio::test]
async fn when_there_is_no_room_records_can_be_dropped_and_are_counted() {
    let log = Log::default();
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || written.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let (app, alice, mut other) = full(WhenFull::Drop).await;
    let begun = Instant::now();
    let mut replies = reads(&alice, 50).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let kept = app.value(REQUESTS).await;
    let count = kept.as_array().unwrap().len();
    assert!((1..20).contains(&count), "{count}");
    replies.truncate(count);
    assert_eq!(kept, ids(&replies));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let counts = log.lines().filter_map(|line| {
        let report = line.strip_suffix(" records of reads are lost: too many waited for the database")?;
        report.rsplit(' ').next()?.parse::<usize>().ok()
    });
    assert_eq!(counts.sum::<usize>(), 50 - count, "{log}");
}

#[tokio::test]
async fn two_servers_record_into_one_table() {
    let app = TestApp::start().await;
    let other = app.beside(healthcare_backend::config::Exposure::default()).await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let elsewhere = alice.clone().moved_to(&format!("http://{}", other.address));
    let (here, there) = tokio::join!(reads(&alice, 30), reads(&elsewhere, 30));
    let mut expected: Vec<Value> =
        [here, there].iter().flat_map(|replies| ids(replies).as_array().unwrap().clone()).collect();
    recorded(&app, 60).await;
    let mut record = app.value(REQUESTS).await.as_array().unwrap().clone();
    for list in [&mut expected, &mut record] {
        list.sort_by_key(ToString::to_string);
    }
    assert_eq!(record, expected);
}

#[tokio::test]
async fn reads_are_not_recorded_where_that_is_not_wanted_and_writes_still_are() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let (server, anybody) = program(&app, &dir, &[("AUDIT_READS", "False")]);
    let alice = anybody.registered("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    reads(&alice, 3).await;
    assert!(server.stop().status.success());
    assert_eq!(app.value("select count(*) from access_log").await, json!(0));
    assert_eq!(app.value("select count(*) from audit_log where table_name = 'patients'").await, json!(1));
}
