//! `/metrics`, as Prometheus reads it.

#![expect(clippy::float_cmp, reason = "what is counted is exact")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    net::TcpStream,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use regex::Regex;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    config::url,
    health::{WATCHED, watcher},
    support::{
        Client, LOGIN, PASSWORD, PATIENTS, SECRET_KEY, TestApp, john_doe,
        program::{Directory, Program, signal_postgres_in},
    },
};

/// What is measured: the value of each series, by its name and labels.
struct Measured(BTreeMap<String, f64>);

impl Measured {
    async fn of(watcher: &Client) -> Self {
        let text = watcher.get("/metrics").await.is(200).text;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.map(|line| line.rsplit_once(' ').unwrap());
        Self(values.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect())
    }

    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.0))
    }

    /// All series of a name that are not 0, in the order of their labels.
    fn all(&self, name: &str) -> Vec<(&str, f64)> {
        let series = self.0.iter().filter_map(|(series, value)| Some((series.strip_prefix(name)?, *value)));
        series.filter(|(labels, value)| labels.starts_with('{') && *value != 0.0).collect()
    }
}

/// Asks until it is as wanted.
async fn until(watcher: &Client, is_wanted: impl Fn(&Measured) -> bool) -> Measured {
    let begun = Instant::now();
    loop {
        let measured = Measured::of(watcher).await;
        if is_wanted(&measured) {
            return measured;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{:#?}", measured.0);
        sleep(Duration::from_millis(5)).await;
    }
}

/// Begins a search that takes a second and a half, and goes away once it is under way.
async fn leave(app: &TestApp, alice: &Client, server: &Program, watcher: &Client) {
    app.sql(
        "alter function fold rename to fold_of_one; \
         create function fold(value text) returns text language plpgsql as \
             'begin perform pg_sleep(1.5); return fold_of_one(value); end'",
    )
    .await;
    let mut stream = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    let head = "GET /api/patients/?search=x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ";
    stream.write_all(format!("{head}{}\r\n\r\n", alice.token()).as_bytes()).unwrap();
    until(watcher, |measured| measured.value("http_requests_in_flight") == 1.0).await;
}

#[tokio::test]
async fn what_was_asked_is_counted_by_method_route_and_status_and_nothing_that_a_client_made_up() {
    let app = TestApp::start().await;
    let (dir, url) = (Directory::new(), url(&app));
    let database = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET_KEY)];
    let server = Program::start(dir.path(), &[&[WATCHED, ("THROTTLE_LOGIN", "1/hour")][..], &database].concat());
    let (watcher, nobody) = (watcher(&server), Client::at(&server.address));
    let alice = nobody.clone().registered("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    for _ in 0..3 {
        alice.get("/api/patients/1/").await.is(200);
    }
    join_all((0..50).map(|_| alice.get("/api/patients/1/"))).await;
    alice.get("/api/patients/2/").await.is(404);
    alice.send("BREW", PATIENTS).await.is(405);
    for path in ["/made/up/", "/livez", "/readyz", "/api/made-up/"] {
        nobody.get(path).await;
    }
    let wrong = json!({"email": "alice@example.com", "password": "StrongPass124"});
    nobody.post(LOGIN, wrong.clone()).await.is(401);
    nobody.post(LOGIN, wrong).await.is(429);
    leave(&app, &alice, &server, &watcher).await;
    let gone = r#"{method="GET",route="-",status="499"}"#;
    // what is gathered is read one series after the other, while requests end
    let measured = until(&watcher, |measured| {
        let is_counted = measured.all("http_requests_total").iter().any(|(it, _)| *it == gone);
        is_counted && measured.value("http_requests_in_flight") == 0.0
    });
    let measured = measured.await;
    assert_eq!(
        measured.all("http_requests_total"),
        [
            (r#"{method="-",route="/api/patients/",status="405"}"#, 1.0),
            (r#"{method="GET",route="-",status="404"}"#, 2.0),
            (gone, 1.0),
            (r#"{method="GET",route="/api/patients/{id}/",status="200"}"#, 53.0),
            (r#"{method="GET",route="/api/patients/{id}/",status="404"}"#, 1.0),
            (r#"{method="POST",route="/api/auth/login/",status="200"}"#, 1.0),
            (r#"{method="POST",route="/api/auth/login/",status="401"}"#, 1.0),
            (r#"{method="POST",route="/api/auth/login/",status="429"}"#, 1.0),
            (r#"{method="POST",route="/api/auth/register/",status="201"}"#, 1.0),
            (r#"{method="POST",route="/api/patients/",status="201"}"#, 1.0),
        ]
    );
    let patient = r#"{method="GET",route="/api/patients/{id}/"}"#;
    assert_eq!(measured.value(&format!("http_request_duration_seconds_count{patient}")), 54.0);
    let seconds = measured.value(&format!("http_request_duration_seconds_sum{patient}"));
    assert!((0.0001..100.0).contains(&seconds), "{seconds}");
    let outcomes =
        [(r#"{outcome="failed"}"#, 1.0), (r#"{outcome="succeeded"}"#, 1.0), (r#"{outcome="throttled"}"#, 1.0)];
    assert_eq!(measured.all("logins_total"), outcomes);
    for name in ["shared_statement_size_sum", "shared_statement_wait_seconds_count"] {
        assert_eq!(measured.value(&format!(r#"{name}{{kind="patient"}}"#)), 54.0, "{name}");
    }
    for (series, value) in [
        (r#"healthcare_backend_build_info{version="0.1.0"}"#, 1.0),
        ("database_up", 1.0),
        ("server_ready", 1.0),
        ("read_audit_backlog_max_bytes", 8.0 * 1024.0 * 1024.0),
        ("read_audit_dropped_total", 0.0),
        ("database_connection_timeouts_total", 0.0),
        ("http_connections_shed_total", 0.0),
        (r#"http_requests_shed_total{reason="bodies"}"#, 0.0),
        (r#"http_requests_shed_total{reason="passwords"}"#, 0.0),
        (r#"http_requests_shed_total{reason="read_audit"}"#, 0.0),
    ] {
        assert_eq!(measured.value(series), value, "{series}");
    }
    let used = measured.value(r#"database_connections_open{pool="statements"}"#);
    let most = measured.value(r#"database_connections_max{pool="statements"}"#);
    assert!(used >= 1.0 && used <= most, "{used} of {most}");
    let connections = measured.value("http_connections_open");
    assert!((1.0..60.0).contains(&connections), "{connections}");
}

#[tokio::test]
async fn logins_that_wait_and_those_that_are_refused_show() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[WATCHED]);
    let watcher = watcher(&server);
    let alice = Client::at(&server.address).registered("alice").await;
    let cores = available_parallelism().unwrap().get();
    let credentials = json!({"email": "alice@example.com", "password": PASSWORD});
    let logins: Vec<_> = (0..cores * 20 + 20)
        .map(|_| {
            let (alice, credentials) = (alice.clone(), credentials.clone());
            tokio::spawn(async move { alice.post(LOGIN, credentials).await.status.as_u16() })
        })
        .collect();
    let threads = f64::from(u32::try_from((cores - 1).max(1)).unwrap());
    let busy = |measured: &Measured| {
        measured.value("password_hashes_running") == threads
            && measured.value("password_hashes_waiting") > 0.0
            && measured.value("http_requests_in_flight") > threads
    };
    until(&watcher, busy).await;
    let statuses: Vec<u16> = join_all(logins).await.into_iter().map(Result::unwrap).collect();
    let count = |status| f64::from(u32::try_from(statuses.iter().filter(|it| **it == status).count()).unwrap());
    let measured = Measured::of(&watcher).await;
    assert!(count(503) > 0.0, "{statuses:?}");
    assert_eq!(measured.value(r#"http_requests_shed_total{reason="passwords"}"#), count(503));
    assert_eq!(measured.value(r#"logins_total{outcome="succeeded"}"#), 1.0 + count(200));
    let refused = r#"http_requests_total{method="POST",route="/api/auth/login/",status="503"}"#;
    assert_eq!(measured.value(refused), count(503));
    for series in ["password_hashes_running", "password_hashes_waiting", "http_requests_in_flight"] {
        assert_eq!(measured.value(series), 0.0, "{series}");
    }
}

#[tokio::test]
async fn reads_that_wait_for_a_frozen_database_show_and_so_do_statements_without_a_connection() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[WATCHED]);
    let watcher = watcher(&server);
    let alice = Client::at(&server.address).registered("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    until(&watcher, |measured| measured.value("read_audit_backlog_bytes") == 0.0).await;
    alice.get("/api/patients/1/").await.is(200);
    signal_postgres_in(dir.path(), Signal::SIGSTOP);
    let measured = Measured::of(&watcher).await;
    assert!(measured.value("read_audit_backlog_bytes") > 0.0);
    alice.post(PATIENTS, john_doe()).await.is(503);
    let measured = Measured::of(&watcher).await;
    assert!(measured.value("database_connection_timeouts_total") >= 1.0, "{:#?}", measured.0);
    signal_postgres_in(dir.path(), Signal::SIGCONT);
    until(&watcher, |measured| measured.value("read_audit_backlog_bytes") == 0.0).await;
}

#[tokio::test]
async fn connections_that_are_closed_for_others_show() {
    let dir = Directory::new();
    let server = Program::start_in_shell("ulimit -n 150", dir.path(), &[WATCHED, ("DB_CONNECTIONS", "4")]);
    let watcher = watcher(&server);
    let most = Measured::of(&watcher).await.value("http_connections_max");
    let mut open = Vec::new();
    while f64::from(u32::try_from(open.len()).unwrap()) < most + 10.0 {
        open.push(TcpStream::connect(server.address.trim_start_matches("http://")).unwrap());
    }
    let is_shed = |measured: &Measured| measured.value("http_connections_shed_total") >= 10.0;
    let measured = until(&watcher, is_shed).await;
    let left = measured.value("http_connections_open");
    assert!(most > 16.0 && left > most - 10.0 && left <= most, "{left} of {most}");
}

#[tokio::test]
async fn every_panel_of_the_dashboard_asks_for_what_there_is() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[WATCHED]);
    Client::at(&server.address).get("/api/").await.is(200);
    let measured = Measured::of(&watcher(&server)).await;
    let known: BTreeSet<&str> = measured.0.keys().map(|series| series.split('{').next().unwrap()).collect();
    let dashboard = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(dashboard).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let name = Regex::new(r"([a-z_]+)\{").unwrap();
    let mut asked = BTreeSet::new();
    for query in targets.map(|target| target["expr"].as_str().unwrap()) {
        let names: Vec<&str> = name.captures_iter(query).map(|found| found.extract::<1>().1[0]).collect();
        assert!(!names.is_empty(), "{query}");
        asked.extend(names.into_iter().map(ToOwned::to_owned));
    }
    assert!(asked.iter().all(|name| known.contains(name.as_str())), "{asked:?} of {known:?}");
    // and leaves out nothing
    let is_asked = |name: &&&str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        asked.iter().any(|asked| asked.starts_with(base))
    };
    assert_eq!(known.iter().filter(|name| !is_asked(name)).collect::<Vec<_>>(), [&""; 0]);
}
