//! Limits for requests.

use healthcare_backend::config::{Exposure, Rate, Throttles};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::{
    config::url,
    support::{
        Client, LOGIN, ME, PASSWORD, REFRESH, REGISTER, Reply, SECRET_KEY, TestApp, alice_smith, bad_token, detail,
        messages::REQUIRED,
        program::{Directory, Program},
    },
};

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// With these limits, and this machine as a proxy.
async fn limited(throttles: Throttles) -> TestApp {
    let trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    TestApp::with(Exposure { throttles, trusted_proxies, ..Exposure::default() }).await
}

fn from(address: &str, request: RequestBuilder) -> RequestBuilder {
    request.header("x-forwarded-for", address)
}

async fn post(client: &Client, address: &str, path: &str) -> Reply {
    Reply::of(from(address, client.request("POST", path)).json(&json!({}))).await
}

async fn get(client: &Client, address: &str, path: &str) -> Reply {
    Reply::of(from(address, client.request("GET", path))).await
}

/// Asserts that a request is throttled for about so many seconds.
#[track_caller]
fn waits(reply: Reply, about: u64) {
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!(seconds <= about && seconds + 20 >= about, "{seconds}");
    let message = format!("Request was throttled. Expected available in {seconds} seconds.");
    reply.says(429, detail(&message));
}

#[tokio::test]
async fn of_registrations_and_refreshes_are_for_an_address_and_for_each_alone() {
    let app =
        limited(Throttles { register: Some(rate("3/hour")), refresh: Some(rate("2/min")), ..Throttles::default() })
            .await;
    let client = app.anonymous();
    for (path, aliases, requests, seconds) in [
        (REGISTER, ["/api/auth/register", REGISTER], 3, 1200),
        (REFRESH, ["/api/auth/refresh/", "/api/auth/refresh"], 2, 30),
    ] {
        for _ in 0..requests {
            post(&client, "192.0.2.1", path).await.is(400);
        }
        for path in aliases.into_iter().chain([path]) {
            waits(post(&client, "192.0.2.1", path).await, seconds);
        }
        post(&client, "192.0.2.2", path).await.is(400);
        get(&client, "192.0.2.1", path).await.is(405);
        Reply::of(from("192.0.2.1", client.request("OPTIONS", path))).await.is(200);
    }
    post(&client, "192.0.2.1", LOGIN).await.is(400);
    let reply = Reply::of(from("192.0.2.9", client.request("POST", REGISTER)).json(&alice_smith())).await.is(201);
    assert_eq!(reply.header("retry-after"), "");
}

#[tokio::test]
async fn that_are_empty_limit_nothing_and_those_not_given_are_the_defaults() {
    let app = TestApp::start().await;
    let url = url(&app);
    let database = [("DATABASE_URL", &*url), ("SECRET_KEY", SECRET_KEY)];
    for (throttle, status) in [(&[("THROTTLE_REGISTER", "")][..], 400), (&[], 429)] {
        let directory = Directory::new();
        let server = Program::start(directory.path(), &[&database, throttle].concat());
        let client = Client::at(&server.address);
        for _ in 0..30 {
            client.post(REGISTER, json!({})).await.is(400);
        }
        client.post(REGISTER, json!({})).await.is(status);
    }
}

#[tokio::test]
async fn of_requests_without_a_valid_token_are_for_an_address() {
    let app = limited(Throttles { anon: Some(rate("6/day")), ..Throttles::default() }).await;
    let alice = app.user("alice").await;
    let anybody = app.anonymous();
    get(&anybody, "192.0.2.1", "/api/").await.is(200);
    get(&anybody, "192.0.2.1", ME).await.is(401);
    get(&app.bearer("x.y.z"), "192.0.2.1", ME).await.says(401, bad_token("Token is invalid"));
    get(&anybody, "2001:db8::1", "/api/").await.is(200);
    for _ in 0..3 {
        let fields = json!({"email": [REQUIRED], "password": [REQUIRED]});
        post(&anybody, "192.0.2.1", LOGIN).await.says(400, fields);
    }
    for path in ["/api/", ME, "/api/doctors/"] {
        waits(get(&anybody, "192.0.2.1", path).await, 4 * 60 * 60);
        assert_ne!(get(&anybody, "192.0.2.2", path).await.status, 429);
    }
    waits(get(&app.bearer("x.y.z"), "192.0.2.1", ME).await, 4 * 60 * 60);
    // a valid token, the documentation, and preflights are free
    for _ in 0..10 {
        get(&alice, "192.0.2.1", ME).await.is(200);
        get(&anybody, "192.0.2.1", "/api/docs/").await.is(200);
        get(&anybody, "192.0.2.1", "/api/docs/page.js").await.is(200);
        get(&anybody, "192.0.2.1", "/api/openapi.json").await.is(200);
        Reply::of(from("192.0.2.1", anybody.request("OPTIONS", LOGIN))).await.is(200);
    }
    // the rest of one /64
    for host in 2..=6 {
        get(&anybody, &format!("2001:db8::{host}"), "/api/").await.is(200);
    }
    waits(get(&anybody, "2001:db8::ffff:0:0:1", "/api/").await, 4 * 60 * 60);
    get(&anybody, "2001:db8:0:1::1", "/api/").await.is(200);
}

#[tokio::test]
async fn of_a_user_hold_wherever_the_user_is_and_for_nobody_else() {
    let app = limited(Throttles { user: Some(rate("5/min")), ..Throttles::default() }).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    for address in 1..=5 {
        get(&alice, &format!("192.0.2.{address}"), ME).await.is(200);
    }
    waits(get(&alice, "192.0.2.6", ME).await, 12);
    let elsewhere = app.anonymous().logged_in("alice@example.com").await;
    waits(get(&elsewhere, "192.0.2.7", "/api/patients/").await, 12);
    get(&bob, "192.0.2.1", ME).await.is(200);
    // no valid token comes first
    for _ in 0..10 {
        get(&app.anonymous(), "192.0.2.1", ME).await.is(401);
        get(&app.bearer(&format!("{}x", alice.token())), "192.0.2.1", ME)
            .await
            .says(401, bad_token("Token is invalid"));
    }
}

#[tokio::test]
async fn say_second_if_it_is_one() {
    let app = limited(Throttles { anon: Some(rate("1/s")), ..Throttles::default() }).await;
    let client = app.anonymous();
    let mut throttled = None;
    while throttled.is_none() {
        throttled = Some(get(&client, "192.0.2.1", "/api/").await).filter(|reply| reply.status == 429);
    }
    let reply = throttled.unwrap().says(429, detail("Request was throttled. Expected available in 1 second."));
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS");
}

#[tokio::test]
async fn are_none_without_settings() {
    let app = TestApp::start().await;
    app.anonymous().post(REGISTER, alice_smith()).await.is(201);
    for _ in 0..40 {
        app.anonymous().post(REGISTER, json!({})).await.is(400);
        app.anonymous().post(REFRESH, json!({})).await.is(400);
    }
    for _ in 0..25 {
        app.anonymous().post(LOGIN, json!({"email": "alice@example.com", "password": "wrong"})).await.is(401);
    }
    app.anonymous().post(LOGIN, json!({"email": "alice@example.com", "password": PASSWORD})).await.is(200);
    assert_eq!(app.value("select count(*) from login_failures").await, 0);
}
