//! Logins: listed, ended, and what ends with them.

use serde_json::{Value, json};

use crate::support::{
    Client, PASSWORD, TestApp, bad_token,
    cases::{all_hold, case},
    detail,
    messages::NO_TOKEN,
};

const SESSIONS: &str = "/api/auth/sessions/";
const CHANGE: &str = "/api/auth/password/change/";
const BLACKLIST: &str = "/api/auth/token/blacklist/";
const VERIFY: &str = "/api/auth/token/verify/";

/// The tokens of another login of this user.
async fn tokens(app: &TestApp, email: &str, password: &str) -> (Client, String) {
    let credentials = json!({"email": email, "password": password});
    let pair = app.anonymous().post("/api/auth/login/", credentials).await.is(200).body;
    (app.bearer(pair["access"].as_str().unwrap()), pair["refresh"].as_str().unwrap().to_owned())
}

/// What is answered to a token of a login that has ended.
fn ended() -> Value {
    bad_token("Token is invalid")
}

fn bad_refresh() -> Value {
    json!({"detail": "Token is invalid", "code": "token_not_valid"})
}

/// What is answered to a refresh token of a login that has ended.
fn blacklisted() -> Value {
    json!({"detail": "Token is blacklisted", "code": "token_not_valid"})
}

#[tokio::test]
async fn logging_out_ends_both_tokens_of_the_login_at_once_and_no_other_login() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (phone, refresh) = tokens(&app, "alice@example.com", PASSWORD).await;
    phone.post("/api/auth/logout/", json!({"refresh": refresh})).await.says(200, json!({}));
    phone.get("/api/patients/").await.says(401, ended());
    phone.post("/api/auth/logout/", json!({})).await.says(401, ended());
    let anybody = app.anonymous();
    anybody.post("/api/auth/token/refresh/", json!({"refresh": refresh})).await.says(401, blacklisted());
    anybody.post("/api/auth/logout/", json!({})).await.says(401, detail(NO_TOKEN));
    alice.get("/api/patients/").await.says(200, json!([]));
}

#[tokio::test]
async fn a_refresh_token_that_is_blacklisted_ends_its_login() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (phone, refresh) = tokens(&app, "alice@example.com", PASSWORD).await;
    let anybody = app.anonymous();
    anybody.post(BLACKLIST, json!({"refresh": phone.token()})).await.is(401);
    anybody.post(BLACKLIST, json!({})).await.says(400, json!({"refresh": ["This field is required."]}));
    anybody.post(BLACKLIST, json!({"refresh": refresh})).await.says(200, json!({}));
    anybody.post(BLACKLIST, json!({"refresh": refresh})).await.says(401, blacklisted());
    phone.get("/api/patients/").await.says(401, ended());
    alice.get("/api/patients/").await.says(200, json!([]));
}

#[tokio::test]
async fn tokens_of_both_kinds_are_verified_with_their_login() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let (phone, refresh) = tokens(&app, "alice@example.com", PASSWORD).await;
    let anybody = app.anonymous();
    let access = phone.token().to_owned();
    let verify = |name, token: &str| case(name, &anybody, "POST", VERIFY).json(json!({ "token": token }));
    all_hold([
        verify("an access token", &access).says(200, json!({})),
        verify("a refresh token", &refresh).says(200, json!({})),
        verify("no token", "x").says(401, bad_refresh()),
        verify("of a login that never was", &app.token(1, 99)).says(401, bad_refresh()),
        verify("of a user who never was", &app.token(99, 1)).says(401, bad_refresh()),
        case("nothing", &anybody, "POST", VERIFY)
            .json(json!({}))
            .says(400, json!({"token": ["This field is required."]})),
    ])
    .await;
    phone.post("/api/auth/logout/", json!({})).await.is(200);
    for token in [access, refresh] {
        anybody.post(VERIFY, json!({ "token": token })).await.says(401, bad_refresh());
    }
}

#[tokio::test]
async fn the_list_has_the_logins_that_go_on_and_says_which_one_is_this() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (phone, _) = tokens(&app, "alice@example.com", PASSWORD).await;
    let listed = phone.get(SESSIONS).await.is(200).body;
    let of = |session: &Value| (session["id"].as_i64().unwrap(), session["is_current"].clone());
    assert_eq!(listed.as_array().unwrap().iter().map(of).collect::<Vec<_>>(), [(3, json!(true)), (1, json!(false))]);
    assert_eq!((&listed[0]["address"], &listed[0]["device"]), (&json!("127.0.0.1"), &json!("")));
    let fields: Vec<&String> = listed[0].as_object().unwrap().keys().collect();
    let expected = ["id", "device", "address", "created_at", "last_used_at", "expires_at", "is_current"];
    assert_eq!(fields, expected);
    assert_eq!(bob.get(SESSIONS).await.is(200).body.as_array().unwrap().len(), 1);
    app.sql("update sessions set expires_at = now() where id = 1").await;
    assert_eq!(alice.get(SESSIONS).await.is(200).body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn one_login_is_ended_by_its_number_and_all_others_at_once() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (phone, _) = tokens(&app, "alice@example.com", PASSWORD).await;
    let (tablet, _) = tokens(&app, "alice@example.com", PASSWORD).await;
    bob.delete("/api/auth/sessions/3/").await.says(404, detail("No Session matches the given query."));
    alice.delete("/api/auth/sessions/3/").await.is(204);
    alice.delete("/api/auth/sessions/3/").await.says(404, detail("No Session matches the given query."));
    phone.get(SESSIONS).await.says(401, ended());
    alice.delete(SESSIONS).await.is(204);
    tablet.get(SESSIONS).await.says(401, ended());
    assert_eq!(alice.get(SESSIONS).await.is(200).body.as_array().unwrap().len(), 1);
    bob.get("/api/patients/").await.is(200);
}

#[tokio::test]
async fn another_password_ends_the_other_logins() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (phone, refresh) = tokens(&app, "alice@example.com", PASSWORD).await;
    let wrong = "Your old password was entered incorrectly. Please enter it again.";
    let change = |name, body| case(name, &alice, "POST", CHANGE).json(body);
    all_hold([
        change("nothing", json!({})).says(
            400,
            json!({"old_password": ["This field is required."], "new_password": ["This field is required."]}),
        ),
        change("a wrong one", json!({"old_password": "x", "new_password": "StrongerPass456"}))
            .says(400, json!({ "old_password": [wrong] })),
        change("a weak one", json!({"old_password": PASSWORD, "new_password": "alice123"})).says(
            400,
            json!({"new_password": ["The password is too similar to the name.", "This password is too common."]}),
        ),
        change("a long one", json!({"old_password": PASSWORD, "new_password": "x".repeat(1001)}))
            .says(400, json!({"new_password": ["Ensure this field has no more than 1000 characters."]})),
    ])
    .await;
    phone.get(SESSIONS).await.is(200);
    let new = "StrongerPass456";
    alice.post(CHANGE, json!({"old_password": PASSWORD, "new_password": new})).await.says(200, json!({}));
    alice.get(SESSIONS).await.is(200);
    phone.get(SESSIONS).await.says(401, ended());
    app.anonymous().post("/api/auth/token/refresh/", json!({"refresh": refresh})).await.says(401, blacklisted());
    let old = json!({"email": "alice@example.com", "password": PASSWORD});
    app.anonymous().post("/api/auth/login/", old).await.is(401);
    tokens(&app, "alice@example.com", new).await.0.get(SESSIONS).await.is(200);
    let audited = app.value(
        "select jsonb_agg(new_values) from audit_log where table_name = 'users' and action = 'UPDATE' and actor_id = 1",
    );
    assert_eq!(audited.await, json!([{"password_hash": "********"}]));
}

#[tokio::test]
async fn what_has_been_over_for_thirty_days_is_forgotten_and_the_audit_keeps_its_two_rows() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    tokens(&app, "alice@example.com", PASSWORD).await;
    tokens(&app, "alice@example.com", PASSWORD).await;
    app.script(&alice, false).await;
    app.sql(
        "update sessions set ended_at = now() - interval '31 days' where id = 2; \
         update sessions set ended_at = now() - interval '29 days' where id = 3; \
         update sessions set expires_at = now() - interval '31 days' where id = 4",
    )
    .await;
    let db = healthcare_backend::db::Db::new(app.database.options.clone(), 2);
    assert_eq!(db.purge_sessions().await.unwrap(), 2);
    assert_eq!(app.value("select jsonb_agg(id order by id) from sessions").await, json!([1, 3]));
    let deleted = app.value("select count(*) from audit_log where table_name = 'sessions' and action = 'DELETE'");
    assert_eq!(deleted.await, json!(0));
    alice.get(SESSIONS).await.is(200);
}
