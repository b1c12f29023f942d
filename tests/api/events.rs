//! What the audit says of logins and passwords: who, when, from where, by which request.

use serde_json::{Value, json};

use crate::support::{LOGIN, PASSWORD, REGISTER, TestApp, alice_smith};

/// The events, in their order: event, table, row, actor's number and e-mail, login, address.
async fn events(app: &TestApp) -> Value {
    app.value(
        "select jsonb_agg(jsonb_build_array(event, table_name, row_id, actor_id, actor_email, session_id, address) order by id) \
         from audit_log where event is not null",
    )
    .await
}

#[tokio::test]
async fn every_beginning_and_end_of_a_login_is_an_event() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let phone = app.anonymous().logged_in("alice@example.com").await;
    app.anonymous().logged_in("alice@example.com").await;
    app.script(&alice, false).await;
    phone.post("/api/auth/logout/", json!({})).await.is(200);
    alice.delete("/api/auth/sessions/3/").await.is(204);
    alice.delete("/api/auth/tokens/4/").await.is(204);
    let change = json!({"old_password": PASSWORD, "new_password": "StrongerPass456"});
    alice.post("/api/auth/password/change/", change).await.is(200);
    let (email, address) = ("alice@example.com", "127.0.0.1");
    assert_eq!(
        events(&app).await,
        json!([
            ["login", "sessions", 1, 1, email, null, address],
            ["login", "sessions", 2, 1, email, null, address],
            ["login", "sessions", 3, 1, email, null, address],
            ["token_created", "sessions", 4, 1, email, 1, address],
            ["logout", "sessions", 2, 1, email, 2, address],
            ["session_ended", "sessions", 3, 1, email, 1, address],
            ["token_ended", "sessions", 4, 1, email, 1, address],
            ["password_changed", "users", 1, 1, email, 1, address],
        ])
    );
}

#[tokio::test]
async fn a_failed_login_says_whose_account_it_was_and_not_what_was_typed() {
    let app = TestApp::start().await;
    app.anonymous().post(REGISTER, alice_smith()).await.is(201);
    app.sql("update users set is_active = false; insert into users (email, name, password_hash) values ('bob@example.com', 'Bob', '')").await;
    let failures = [("alice@example.com", PASSWORD), ("bob@example.com", "hunter2"), ("nobody@example.com", "hunter2")];
    let mut requests = Vec::new();
    for (email, password) in failures {
        let reply = app.anonymous().post(LOGIN, json!({"email": email, "password": password})).await.is(401);
        requests.push(reply.header("x-request-id").to_owned());
    }
    assert_eq!(
        events(&app).await,
        json!([
            ["login_failed", "users", 1, 1, "alice@example.com", null, "127.0.0.1"],
            ["login_failed", "users", 2, 2, "bob@example.com", null, "127.0.0.1"],
            ["login_failed", "users", null, null, null, null, "127.0.0.1"],
        ])
    );
    assert_eq!(
        app.value("select jsonb_agg(request_id order by id) from audit_log where event = 'login_failed'").await,
        json!(requests)
    );
    let log = app.value("select jsonb_agg(to_jsonb(a)) from audit_log a").await.to_string();
    for typed in ["hunter2", "nobody@example.com", PASSWORD] {
        assert!(!log.contains(typed), "{log}");
    }
}
