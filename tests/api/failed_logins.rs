//! Logins that fail too often.

use std::time::{Duration, Instant};

use healthcare_backend::{
    app::app,
    auth::Passwords,
    config::{Exposure, Throttles},
    db::Db,
    server,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    config::url,
    support::{
        Client, LOGIN, ME, PASSWORD, REGISTER, Reply, SECRET_KEY, TestApp, alice_smith, detail,
        messages::BAD_CREDENTIALS,
        program::{Directory, Program},
        with,
    },
};

const ALICE: &str = "alice@example.com";
const WRONG: &str = "WrongPass123";
/// Where somebody guesses.
const MALLORY: &str = "203.0.113.66";
/// Where the owner is.
const HOME: &str = "198.51.100.7";

/// So many may fail, and this machine is a proxy.
fn at_most(rate: &str) -> Exposure {
    Exposure {
        throttles: Throttles { login: Some(rate.parse().unwrap()), ..Throttles::default() },
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        ..Exposure::default()
    }
}

async fn app_with_alice(rate: &str) -> TestApp {
    let app = TestApp::with(at_most(rate)).await;
    app.anonymous().post(REGISTER, with(alice_smith(), json!({"username": "alice"}))).await.is(201);
    app
}

async fn login(client: &Client, address: &str, email: &str, password: &str) -> Reply {
    let request = client.request("POST", LOGIN).header("x-forwarded-for", address);
    Reply::of(request.json(&json!({"email": email, "password": password}))).await
}

/// Fails so many times with this account.
async fn fail(client: &Client, address: &str, email: &str, times: usize) {
    for _ in 0..times {
        login(client, address, email, WRONG).await.says(401, detail(BAD_CREDENTIALS));
    }
}

/// Asserts that it is throttled, and gives the seconds to wait.
#[track_caller]
fn wait(reply: Reply) -> u64 {
    let seconds = reply.header("retry-after").to_owned();
    let message = format!("Request was throttled. Expected available in {seconds} seconds.");
    reply.says(429, detail(&message));
    seconds.parse().unwrap()
}

/// The middle one of some times.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn timed(reply: impl Future<Output = Reply>) -> (Reply, Duration) {
    let begun = Instant::now();
    (reply.await, begun.elapsed())
}

#[tokio::test]
async fn slow_down_the_address_that_fails_and_never_the_owner_elsewhere() {
    let app = app_with_alice("20/hour").await;
    let client = app.anonymous();
    client.post(REGISTER, with(alice_smith(), json!({"email": "bob@example.com"}))).await.is(201);
    fail(&client, MALLORY, ALICE, 20).await;
    for _ in 0..30 {
        let seconds = wait(login(&client, MALLORY, ALICE, WRONG).await);
        assert!((120..=180).contains(&seconds), "{seconds}");
    }
    wait(login(&client, MALLORY, ALICE, PASSWORD).await);
    let (mut alice, mut bob) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        for (email, times) in [(ALICE, &mut alice), ("bob@example.com", &mut bob)] {
            let (reply, time) = timed(login(&client, HOME, email, PASSWORD)).await;
            reply.is(200);
            times.push(time);
        }
    }
    let (alice, bob) = (median(alice), median(bob));
    assert!(alice < bob * 3 / 2, "{alice:?}, and {bob:?} for an account that nobody attacks");
    assert_eq!(app.value("select count(*) from sessions").await, 18);
}

/// A hash takes ten times as long as all the rest.
#[tokio::test]
async fn cost_no_hash_and_give_no_hint_when_there_are_too_many() {
    let app = app_with_alice("7/hour").await;
    let client = app.anonymous();
    for email in [ALICE, "nobody@example.com"] {
        let (mut hashed, mut refused) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            let (reply, time) = timed(login(&client, MALLORY, email, WRONG)).await;
            reply.says(401, detail(BAD_CREDENTIALS));
            hashed.push(time);
        }
        for password in [WRONG, PASSWORD, WRONG, PASSWORD, WRONG] {
            let (reply, time) = timed(login(&client, MALLORY, email, password)).await;
            let seconds = wait(reply);
            assert!((480..=515).contains(&seconds), "{seconds}");
            refused.push(time);
        }
        let (hashed, refused) = (median(hashed), median(refused));
        assert!(refused * 2 < hashed, "{email}: {refused:?}, {hashed:?} with a hash");
    }
}

#[tokio::test]
async fn count_together_however_the_account_is_spelled_and_apart_for_its_two_names() {
    let app = app_with_alice("4/hour").await;
    let client = app.anonymous();
    // the last one has a dotted capital I, which PostgreSQL takes for an i
    for email in [ALICE, "ALICE@example.COM", " alice@example.com ", "al\u{130}ce@example.com"] {
        fail(&client, MALLORY, email, 1).await;
    }
    wait(login(&client, MALLORY, "Alice@Example.com", PASSWORD).await);
    wait(login(&client, MALLORY, "al\u{130}ce@example.com", PASSWORD).await);
    // one limit for both would say that they are of one account
    login(&client, MALLORY, "alice", PASSWORD).await.is(200);
}

#[tokio::test]
async fn keep_nobody_out_who_mistyped_a_few_times_and_a_success_writes_nothing() {
    let app = app_with_alice("5/hour").await;
    let client = app.anonymous();
    let failures = "select jsonb_agg(to_jsonb(f) order by key) from login_failures f";
    login(&client, HOME, ALICE, PASSWORD).await.is(200);
    assert_eq!(app.value(failures).await, Value::Null);
    fail(&client, HOME, ALICE, 4).await;
    let before = app.value(failures).await;
    assert_eq!(before.as_array().unwrap().len(), 2);
    assert!(!before.to_string().contains("alice") && !before.to_string().contains(HOME), "{before}");
    for _ in 0..3 {
        login(&client, HOME, ALICE, PASSWORD).await.is(200);
    }
    assert_eq!(app.value(failures).await, before);
    fail(&client, HOME, ALICE, 1).await;
    let seconds = wait(login(&client, HOME, ALICE, PASSWORD).await);
    assert!((660..=720).contains(&seconds), "{seconds}");
    // a fifth of the hour later there is one more
    app.sql("update login_failures set until = until - interval '12 minutes'").await;
    fail(&client, HOME, ALICE, 1).await;
    wait(login(&client, HOME, ALICE, PASSWORD).await);
    app.sql("update login_failures set until = until - interval '12 minutes'").await;
    login(&client, HOME, ALICE, PASSWORD).await.is(200);
}

#[tokio::test]
async fn with_many_accounts_slow_down_their_address() {
    let app = app_with_alice("2/hour").await;
    let client = app.anonymous();
    // somebody who shares the address and forgot the password does not keep out the others
    fail(&client, MALLORY, "bob@example.com", 2).await;
    wait(login(&client, MALLORY, "bob@example.com", WRONG).await);
    login(&client, MALLORY, ALICE, PASSWORD).await.is(200);
    for number in 0..18 {
        fail(&client, MALLORY, &format!("{number}@example.com"), 1).await;
    }
    let seconds = wait(login(&client, MALLORY, ALICE, PASSWORD).await);
    assert!((120..=180).contains(&seconds), "{seconds}");
    login(&client, HOME, ALICE, PASSWORD).await.is(200);
}

#[tokio::test]
async fn of_one_network_of_ipv6_count_together() {
    let app = app_with_alice("2/hour").await;
    let client = app.anonymous();
    fail(&client, "2001:db8:1:2::1", ALICE, 1).await;
    fail(&client, "2001:db8:1:2:ffff::9", ALICE, 1).await;
    wait(login(&client, "2001:db8:1:2:3:4:5:6", ALICE, PASSWORD).await);
    login(&client, "2001:db8:1:3::1", ALICE, PASSWORD).await.is(200);
    fail(&client, "::ffff:203.0.113.66", ALICE, 2).await;
    wait(login(&client, MALLORY, ALICE, PASSWORD).await);
}

#[tokio::test]
async fn count_together_if_only_a_forged_header_tells_them_apart() {
    let exposure = Exposure { trusted_proxies: Vec::new(), ..at_most("3/hour") };
    let app = TestApp::with(exposure).await;
    let client = app.anonymous();
    for number in 1..=3 {
        fail(&client, &format!("192.0.2.{number}"), ALICE, 1).await;
    }
    wait(login(&client, "192.0.2.4", ALICE, PASSWORD).await);
}

/// With eight hashes waiting for each core, more than the limit are tried, but they learn nothing.
#[tokio::test]
async fn that_come_at_once_learn_no_more_than_others() {
    let app = app_with_alice("5/hour").await;
    let client = app.anonymous();
    let attempts: Vec<_> = (0..50)
        .map(|number| {
            let client = client.clone();
            // the right one waits behind wrong ones
            let password = if number == 10 { PASSWORD } else { WRONG };
            tokio::spawn(async move { login(&client, MALLORY, ALICE, password).await })
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in attempts {
        statuses.push(attempt.await.unwrap().status.as_u16());
    }
    let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
    assert_eq!(count(401) + count(200), 5, "{statuses:?}");
    assert_eq!(count(429) + count(503), 45, "{statuses:?}");
    wait(login(&client, MALLORY, ALICE, PASSWORD).await);
    let ahead = "select max(until) < now() + interval '1 hour 13 minutes' from login_failures";
    assert_eq!(app.value(ahead).await, true);
}

#[tokio::test]
async fn are_counted_by_all_servers_of_one_database() {
    let first = app_with_alice("4/hour").await;
    let db = Db::new(first.database.options.clone(), 4);
    let second = app(db, first.tokens.clone(), Passwords::default(), &at_most("4/hour"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = first.anonymous().moved_to(&format!("http://{}", listener.local_addr().unwrap()));
    let serving = tokio::spawn(server::serve(listener, second, 10, std::future::pending()));
    fail(&first.anonymous(), MALLORY, ALICE, 2).await;
    fail(&there, MALLORY, ALICE, 2).await;
    wait(login(&first.anonymous(), MALLORY, ALICE, PASSWORD).await);
    wait(login(&there, MALLORY, ALICE, PASSWORD).await);
    login(&there, HOME, ALICE, PASSWORD).await.is(200);
    serving.abort();
}

#[tokio::test]
async fn are_forgotten_in_the_background() {
    let app = app_with_alice("5/hour").await;
    fail(&app.anonymous(), MALLORY, ALICE, 1).await;
    let db = Db::new(app.database.options.clone(), 2);
    assert_eq!(db.purge_login_failures().await.unwrap(), 0);
    app.sql("insert into login_failures (key, until) select sha256(n::text::bytea), now() - interval '1 second' from generate_series(1, 2500) n").await;
    assert_eq!(db.purge_login_failures().await.unwrap(), 2500);
    assert_eq!(app.value("select count(*) from login_failures").await, 2);
}

#[tokio::test]
async fn are_limited_by_default() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let url = url(&app);
    let server = Program::start(dir.path(), &[("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET_KEY)]);
    let client = Client::at(&server.address);
    fail(&client, MALLORY, ALICE, 20).await;
    let seconds = wait(login(&client, HOME, ALICE, WRONG).await);
    assert!((120..=180).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn count_where_the_password_is_asked_for_again_too() {
    let app = app_with_alice("2/hour").await;
    let alice = app.anonymous().logged_in(ALICE).await;
    let change = json!({"old_password": WRONG, "new_password": "StrongerPass456"});
    for _ in 0..2 {
        alice.post("/api/auth/password/change/", change.clone()).await.is(400);
    }
    wait(alice.post("/api/auth/password/change/", change).await);
    wait(alice.json("DELETE", ME, json!({ "password": PASSWORD })).await);
    let events =
        app.value("select jsonb_agg(event order by id) from audit_log where event in ('login_failed', 'throttled')");
    assert_eq!(events.await, json!(["login_failed", "login_failed", "throttled"]));
}
