//! Refresh tokens that are exchanged when they are used, and those that come back.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use healthcare_backend::config::Exposure;
use serde_json::{Value, json};

use crate::support::{Client, LOGIN, PASSWORD, REFRESH, TestApp, bad_token};

async fn rotating() -> TestApp {
    TestApp::with(Exposure { rotate_refresh_tokens: true, ..Exposure::default() }).await
}

/// The access token and the refresh token of a login.
async fn log_in(app: &TestApp) -> (Client, String) {
    let pair =
        app.anonymous().post(LOGIN, json!({"email": "alice@example.com", "password": PASSWORD})).await.is(200).body;
    (app.bearer(pair["access"].as_str().unwrap()), text(&pair["refresh"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn blacklisted() -> Value {
    json!({"detail": "Token is blacklisted", "code": "token_not_valid"})
}

async fn refresh(app: &TestApp, token: &str) -> String {
    let pair = app.anonymous().post(REFRESH, json!({ "refresh": token })).await.is(200).body;
    app.bearer(pair["access"].as_str().unwrap()).get("/api/patients/").await.is(200);
    text(&pair["refresh"])
}

/// As if so many seconds had gone by since the last exchange.
async fn wait(app: &TestApp, seconds: u32) {
    app.sql(&format!("update sessions set rotated_at = rotated_at - interval '{seconds} seconds'")).await;
}

/// The id in a token.
fn id(token: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    text(&serde_json::from_slice::<Value>(&claims).unwrap()["jti"])
}

#[tokio::test]
async fn without_the_setting_a_refresh_token_stays_and_only_an_access_token_is_answered() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let (_, token) = log_in(&app).await;
    for _ in 0..2 {
        let answer = app.anonymous().post(REFRESH, json!({ "refresh": token })).await.is(200).body;
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["access"]);
    }
}

#[tokio::test]
async fn with_the_setting_each_use_answers_a_new_one_and_the_login_goes_on_as_long_as_it_is_used() {
    let app = rotating().await;
    app.user("alice").await;
    let (phone, mut token) = log_in(&app).await;
    app.sql("update sessions set expires_at = now() + interval '1 minute' where id = 2").await;
    for _ in 0..3 {
        let next = refresh(&app, &token).await;
        assert_ne!(id(&next), id(&token));
        wait(&app, 11).await;
        token = next;
    }
    phone.get("/api/patients/").await.is(200);
    let sessions = phone.get("/api/auth/sessions/").await.is(200).body;
    assert!(sessions[0]["expires_at"].as_str() > sessions[1]["expires_at"].as_str(), "{sessions}");
    // it is no change of a record
    assert_eq!(app.value("select count(*) from audit_log where action = 'UPDATE' and actor_id = 1").await, json!(0));
}

#[tokio::test]
async fn twenty_uses_of_one_token_at_once_keep_one_login_alive_and_agree_on_its_successor() {
    let app = rotating().await;
    app.user("alice").await;
    let (phone, token) = log_in(&app).await;
    let answers = join_all((0..20).map(|_| refresh(&app, &token))).await;
    let ids: BTreeSet<String> = answers.iter().map(|token| id(token)).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    phone.get("/api/patients/").await.is(200);
    wait(&app, 11).await;
    refresh(&app, &answers[7]).await;
}

#[tokio::test]
async fn an_old_token_is_good_for_ten_seconds_and_then_ends_the_login_and_is_written_down() {
    let app = rotating().await;
    let tablet = app.user("alice").await;
    let (phone, old) = log_in(&app).await;
    let new = refresh(&app, &old).await;
    wait(&app, 9).await;
    assert_eq!(id(&refresh(&app, &old).await), id(&new));
    wait(&app, 2).await;
    app.anonymous().post(REFRESH, json!({ "refresh": old })).await.says(401, blacklisted());
    // the thief's and the owner's
    app.anonymous().post(REFRESH, json!({ "refresh": new })).await.says(401, blacklisted());
    phone.get("/api/patients/").await.says(401, bad_token("Token is invalid"));
    tablet.get("/api/patients/").await.is(200);
    let event = app.value(
        "select jsonb_agg(jsonb_build_array(event, table_name, row_id, actor_id, session_id, address)) from audit_log \
         where event not in ('login')",
    );
    assert_eq!(event.await, json!([["refresh_reused", "sessions", 2, 1, 2, "127.0.0.1"]]));
}

#[tokio::test]
async fn the_token_before_the_last_one_is_good_no_longer_however_fast_the_exchanges_are() {
    let app = rotating().await;
    app.user("alice").await;
    let (phone, first) = log_in(&app).await;
    let second = refresh(&app, &first).await;
    // a tab that has the new one already does not push the old one out while another tab still has it
    let still_second = refresh(&app, &second).await;
    assert_eq!(id(&still_second), id(&second));
    refresh(&app, &first).await;
    wait(&app, 11).await;
    refresh(&app, &second).await;
    app.anonymous().post(REFRESH, json!({ "refresh": first })).await.says(401, blacklisted());
    phone.get("/api/patients/").await.is(401);
}

#[tokio::test]
async fn a_login_from_before_the_setting_is_exchanged_too_and_an_old_token_stays_bad_when_it_is_turned_off() {
    let app = rotating().await;
    app.user("alice").await;
    let (_, token) = log_in(&app).await;
    app.sql("update sessions set refresh_jti = null").await;
    let next = refresh(&app, &token).await;
    wait(&app, 11).await;
    refresh(&app, &next).await;
    wait(&app, 11).await;
    let off = app.beside(Exposure::default()).await;
    off.anonymous().post(REFRESH, json!({ "refresh": token })).await.says(401, blacklisted());
}
