//! `/livez` and `/readyz`, where everybody reaches them and where only the operator does.

use std::time::{Duration, Instant};

use healthcare_backend::config::Exposure;
use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::{
    config::url,
    support::{
        Client, PATIENTS, Reply, SECRET_KEY, TestApp,
        cases::{all_hold, case},
        detail, john_doe,
        messages::NOT_FOUND,
        program::{Directory, Program, program, signal_postgres_in},
    },
};

const ALIVE: &str = "alive\n";
const READY: &str = "ready\n";
const NO_DATABASE: &str = "the database does not answer\n";
const STOPPING: &str = "the server is stopping\n";

/// Settings that make a server tell how it is, on any free port.
pub const WATCHED: (&str, &str) = ("METRICS_ADDR", "127.0.0.1:0");

/// Whoever reaches the address of the metrics.
pub fn watcher(server: &Program) -> Client {
    let printed = server.printed.lines().find_map(|line| line.strip_prefix("Metrics ")).unwrap();
    Client::at(printed.trim().trim_end_matches("/metrics"))
}

#[tokio::test]
async fn probes_are_answered_shortly_to_everybody_under_any_name_of_the_server() {
    let exposure = Exposure {
        allowed_hosts: vec!["api.example.org".into()],
        throttles: healthcare_backend::config::Throttles {
            anon: Some("1/day".parse().unwrap()),
            ..healthcare_backend::config::Throttles::default()
        },
        ..Exposure::default()
    };
    let app = TestApp::with(exposure).await;
    let nobody = app.anonymous();
    for _ in 0..3 {
        for (path, text) in [("/livez", ALIVE), ("/readyz", READY)] {
            let reply = Reply::of(nobody.request("GET", path).header("host", "10.0.0.7:8000")).await.is(200);
            assert_eq!(reply.text, text);
            assert_eq!(reply.header("cache-control"), "no-store");
            assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(nobody.send("HEAD", path).await.is(200).text, "");
            let refused = nobody.send("POST", path).await.is(405);
            assert_eq!(refused.header("allow"), "GET, HEAD");
        }
    }
    nobody.get("/livez/").await.is(400);
}

#[tokio::test]
async fn the_metrics_are_not_on_the_address_of_the_api() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    all_hold(["/metrics", "/metrics/", "/api/metrics/"].map(|path| {
        let row = case("nobody", &nobody, "GET", path);
        row.says(404, detail(NOT_FOUND))
    }))
    .await;
}

#[tokio::test]
async fn only_probes_and_metrics_are_on_an_address_of_their_own() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[WATCHED]);
    let watcher = watcher(&server);
    assert_eq!(watcher.get("/livez").await.is(200).text, ALIVE);
    assert_eq!(watcher.get("/readyz").await.is(200).text, READY);
    let metrics = watcher.get("/metrics").await.is(200);
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4");
    assert_eq!(metrics.header("cache-control"), "no-store");
    assert_eq!(watcher.send("POST", "/metrics").await.is(405).header("allow"), "GET, HEAD");
    for path in ["/", "/api/", PATIENTS, "/api/docs/", "/metrics/", "/readyz/"] {
        let reply = watcher.get(path).await.is(404);
        assert_eq!(reply.text, "not found: there are /livez, /readyz and /metrics\n", "{path}");
    }
    let log = String::from_utf8(server.stop().stderr).unwrap();
    assert_eq!(log, "", "a probe writes no line");
}

#[tokio::test]
async fn a_frozen_database_makes_it_unready_within_two_seconds_and_leaves_it_alive() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[WATCHED]);
    let (anybody, watcher) = (Client::at(&server.address), watcher(&server));
    anybody.get("/readyz").await.is(200);
    signal_postgres_in(dir.path(), Signal::SIGSTOP);
    // what was seen is said for a second
    sleep(Duration::from_secs(1)).await;
    for client in [&anybody, &watcher] {
        let begun = Instant::now();
        assert_eq!(client.get("/readyz").await.is(503).text, NO_DATABASE);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        let begun = Instant::now();
        assert_eq!(client.get("/livez").await.is(200).text, ALIVE);
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    }
    let begun = Instant::now();
    let metrics = watcher.get("/metrics").await.is(200).text;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(metrics.contains("\ndatabase_up 0\n") && metrics.contains("\nserver_ready 0\n"), "{metrics}");
    signal_postgres_in(dir.path(), Signal::SIGCONT);
    is_ready_again(&anybody).await;
    assert_eq!(server.stop().status.code(), Some(0));
}

/// Waits until a server is ready: it looks once a second.
async fn is_ready_again(client: &Client) {
    let begun = Instant::now();
    while client.get("/readyz").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_connection_that_the_database_closed_does_not_make_it_unready() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let ended = "select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity \
                 where datname = current_database() and pid <> pg_backend_pid()) t";
    for _ in 0..2 {
        anybody.get("/readyz").await.is(200);
        assert!(app.value(ended).await.as_u64().unwrap() > 0);
        sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(anybody.get("/readyz").await.is(200).text, READY);
}

#[tokio::test]
async fn a_schema_that_lacks_a_migration_is_not_ready_and_one_of_a_later_release_is() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    anybody.get("/readyz").await.is(200);
    app.sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         values (9999, 'later', true, '', 0)",
    )
    .await;
    sleep(Duration::from_millis(1100)).await;
    anybody.get("/readyz").await.is(200);
    for change in ["delete from _sqlx_migrations where version = 2", "drop table _sqlx_migrations"] {
        app.sql(change).await;
        sleep(Duration::from_millis(1100)).await;
        let reply = anybody.get("/readyz").await.is(503);
        assert_eq!(reply.text, "the schema of the database is not up to date\n", "{change}");
    }
}

#[tokio::test]
async fn the_database_is_looked_at_once_a_second_however_many_ask() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    anybody.get("/readyz").await.is(200);
    // each connection that looks, and when it did so last
    let looks = "select jsonb_agg(array[pid, extract(epoch from query_start)]) from pg_stat_activity \
                 where datname = current_database() and query like '%_sqlx_migrations%' and pid <> pg_backend_pid()";
    let mut seen = vec![app.value(looks).await];
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(3500) {
        let asking: Vec<_> = (0..20).map(|_| anybody.get("/readyz")).collect();
        let all = futures_util::future::join_all(asking);
        // some have an answer, and some are gone
        let _ = tokio::time::timeout(Duration::from_millis(10), all).await;
        seen.push(app.value(looks).await);
    }
    seen.dedup();
    assert!(seen.len() > 2, "{seen:?}");
    for pair in seen.windows(2) {
        let [earlier, later] = [&pair[0], &pair[1]].map(|looks| looks.as_array().unwrap());
        assert_eq!((earlier.len(), later.len()), (1, 1), "{seen:?}");
        assert_eq!(earlier[0][0], later[0][0], "the same connection");
        let apart = later[0][1].as_f64().unwrap() - earlier[0][1].as_f64().unwrap();
        assert!(apart >= 1.0, "{seen:?}");
    }
}

#[tokio::test]
async fn whoever_hangs_up_ends_no_look_and_so_begins_no_other() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    anybody.get("/readyz").await.is(200);
    sleep(Duration::from_millis(1100)).await;
    // so that a look takes as long as it may
    let mut connection = app.connection().await;
    sqlx::raw_sql("begin; lock table _sqlx_migrations").execute(&mut connection).await.unwrap();
    for _ in 0..10 {
        let asked = tokio::time::timeout(Duration::from_millis(20), anybody.get("/readyz")).await;
        assert!(asked.is_err(), "{asked:?}");
    }
    let looks = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    assert_eq!(app.value(looks).await, 1);
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_answers_until_its_delay_is_over() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[WATCHED, ("DRAIN_DELAY", "2s")]);
    let (watcher, alice) = (watcher(&server), Client::at(&server.address).registered("alice").await);
    alice.get("/readyz").await.is(200);
    let begun = Instant::now();
    server.signal(Signal::SIGTERM);
    sleep(Duration::from_millis(200)).await;
    for client in [&alice, &watcher] {
        assert_eq!(client.get("/readyz").await.is(503).text, STOPPING);
        assert_eq!(client.get("/livez").await.is(200).text, ALIVE);
    }
    assert!(watcher.get("/metrics").await.is(200).text.contains("\nserver_ready 0\n"));
    alice.post(PATIENTS, john_doe()).await.is(201);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(server.end().status.code(), Some(0));
    assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_address_of_the_metrics_tells_of_the_end_while_a_request_is_under_way() {
    let app = TestApp::start().await;
    let (dir, url) = (Directory::new(), url(&app));
    let server = Program::start(dir.path(), &[WATCHED, ("DATABASE_URL", &url), ("SECRET_KEY", SECRET_KEY)]);
    let (watcher, alice) = (watcher(&server), Client::at(&server.address).registered("alice").await);
    alice.post(PATIENTS, john_doe()).await.is(201);
    // one that takes a second and a half
    app.sql(
        "alter function fold rename to fold_of_one; \
         create function fold(value text) returns text language plpgsql as \
             'begin perform pg_sleep(1.5); return fold_of_one(value); end'",
    )
    .await;
    let search = tokio::spawn(async move { alice.get("/api/patients/?search=x").await });
    sleep(Duration::from_millis(300)).await;
    server.signal(Signal::SIGTERM);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(watcher.get("/readyz").await.is(503).text, STOPPING);
    search.await.unwrap().is(200);
    assert_eq!(server.end().status.code(), Some(0));
}

#[test]
fn an_address_of_the_metrics_that_is_taken_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = Directory::new();
    let settings = [("METRICS_ADDR", address.as_str()), ("PORT", "0")];
    let output = program(dir.path(), &["serve"], &settings).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with(&format!("error: listening on {address}: ")), "{said}");
}
