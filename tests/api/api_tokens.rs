//! API tokens: made, sent, ended, and what they may not do.

use serde_json::{Value, json};

use crate::support::{
    API_TOKENS, Client, PASSWORD, Reply, TestApp, bad_token,
    cases::{all_hold, case},
    detail, john_doe,
};

fn refused() -> Value {
    detail("You do not have permission to perform this action.")
}

/// A client that sends its token in this way.
async fn get_as(anybody: &Client, authorization: &str) -> Reply {
    Reply::of(anybody.request("GET", "/api/patients/").header("authorization", authorization)).await
}

#[tokio::test]
async fn a_token_is_shown_once_and_only_a_hash_of_it_is_kept() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let sent = json!({"name": " Report ", "read_only": "yes", "expires_at": "2999-01-31T10:00:00+01:00"});
    let mut made = alice.post(API_TOKENS, sent).await.is(201).body;
    let token = made["token"].take().as_str().unwrap().to_owned();
    let created_at = made["created_at"].take();
    assert_eq!(
        made,
        json!({"id": 3, "name": "Report", "token": null, "read_only": true, "created_at": null,
            "expires_at": "2999-01-31T09:00:00Z"})
    );
    assert!(token.starts_with("hcb_") && token.len() == 68, "{token}");
    let other = alice.post(API_TOKENS, json!({"name": "Report"})).await.is(201).body;
    assert_ne!(other["token"], json!(token));
    assert_eq!((&other["read_only"], &other["expires_at"]), (&json!(false), &json!(null)));
    let listed = alice.get(API_TOKENS).await.is(200).body;
    assert_eq!(
        listed[1],
        json!({"id": 3, "name": "Report", "read_only": true, "created_at": created_at, "last_used_at": null,
            "expires_at": "2999-01-31T09:00:00Z"})
    );
    assert_eq!(listed.as_array().unwrap().len(), 2);
    bob.get(API_TOKENS).await.says(200, json!([]));
    // a login is none, and the list of logins has no token
    assert_eq!(alice.get("/api/auth/sessions/").await.is(200).body.as_array().unwrap().len(), 1);
    let kept =
        app.value("select jsonb_agg(to_jsonb(s)) || (select jsonb_agg(to_jsonb(a)) from audit_log a) from sessions s");
    let secret = token.trim_start_matches("hcb_");
    let kept = kept.await.to_string();
    assert!(!kept.contains(secret) && !kept.contains(&secret[22..]), "{kept}");
}

#[tokio::test]
async fn what_is_wrong_with_a_token_to_make_is_said_all_at_once() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let time = "Datetime has wrong format. Use one of these formats instead: \
                YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    let make = |name, body| case(name, &alice, "POST", API_TOKENS).json(body);
    all_hold([
        make("nothing", json!({})).says(400, json!({"name": ["This field is required."]})),
        make("all wrong", json!({"name": "", "expires_at": "tomorrow", "read_only": "maybe"})).says(
            400,
            json!({"name": ["This field may not be blank."], "expires_at": [time], "read_only": ["Must be a valid boolean."]}),
        ),
        make("the past", json!({"name": "x".repeat(101), "expires_at": "2020-01-01", "read_only": null})).says(
            400,
            json!({
                "name": ["Ensure this field has no more than 100 characters."],
                "expires_at": ["Ensure this time is in the future."],
                "read_only": ["This field may not be null."],
            }),
        ),
        make("a number", json!({"name": "x", "expires_at": 5})).says(400, json!({ "expires_at": [time] })),
    ])
    .await;
    alice.get(API_TOKENS).await.says(200, json!([]));
}

#[tokio::test]
async fn a_token_is_sent_as_bearer_or_as_django_rest_framework_s_token() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let token = app.script(&alice, false).await.token().to_owned();
    let anybody = app.anonymous();
    for scheme in ["Bearer", "bearer", "Token", "token"] {
        let listed = get_as(&anybody, &format!("{scheme} {token}")).await.is(200).body;
        assert_eq!(listed[0]["created_by"], "alice@example.com");
    }
    let jwt = get_as(&anybody, &format!("Token {}", alice.token())).await;
    assert!(jwt.header("www-authenticate").contains("not Token"));
    jwt.says(401, detail("Authentication credentials were not provided."));
}

#[tokio::test]
async fn a_token_that_was_made_up_or_changed_is_no_token() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (of_alice, of_bob) = (app.script(&alice, false).await, app.script(&bob, false).await);
    let (one, two) = (of_alice.token(), of_bob.token());
    let changed_at = |index: usize| {
        let letter = if &one[index..=index] == "A" { "B" } else { "A" };
        format!("{}{letter}{}", &one[..index], &one[index + 1..])
    };
    // whose it is, which one, and the secret: 8, 8 and 32 bytes
    let ours = 4 + 11;
    let mut wrong = vec![
        "hcb_".into(),
        "hcb_x".into(),
        format!("{one}A"),
        one[..67].into(),
        one.to_uppercase(),
        // the one's numbers and the other's secret
        format!("{}{}", &one[..26], &two[26..]),
        format!("{}{}", &two[..ours], &one[ours..]),
        format!("hcb_{}", "A".repeat(64)),
    ];
    wrong.extend([5, 14, 15, 25, 26, 40, 66].map(changed_at));
    for token in wrong {
        app.bearer(&token).get("/api/patients/").await.says(401, bad_token("Token is invalid"));
        app.bearer(&token).post("/api/patients/", json!({})).await.says(401, bad_token("Token is invalid"));
    }
    // an access token for the session of an API token, as no server of ours signs it
    app.bearer(&app.token(1, 3)).get("/api/patients/").await.says(401, bad_token("Token is invalid"));
    of_alice.get("/api/patients/").await.says(200, json!([]));
}

#[tokio::test]
async fn a_token_works_as_its_owner_but_for_the_account() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let script = app.script(&alice, false).await;
    script.post("/api/patients/", john_doe()).await.is(201);
    script.patch("/api/patients/1/", json!({"gender": "O"})).await.is(200);
    let change = json!({"old_password": PASSWORD, "new_password": "StrongerPass456"});
    all_hold([
        case("another token", &script, "POST", API_TOKENS).json(json!({"name": "x"})).says(403, refused()),
        case("a wrong token", &script, "POST", API_TOKENS).json(json!({})).says(403, refused()),
        case("its own end", &script, "DELETE", "/api/auth/tokens/2/").says(403, refused()),
        case("a password", &script, "POST", "/api/auth/password/change/").json(change).says(403, refused()),
        case("a login", &script, "DELETE", "/api/auth/sessions/1/").says(403, refused()),
        case("all logins", &script, "DELETE", "/api/auth/sessions/").says(403, refused()),
    ])
    .await;
    alice.get("/api/patients/").await.is(200);
    let by = app.value("select jsonb_agg(distinct session_id) from audit_log where table_name = 'patients'");
    assert_eq!(by.await, json!([2]));
    // that much it may: end itself
    script.post("/api/auth/logout/", json!({})).await.says(200, json!({}));
    script.get("/api/patients/").await.says(401, bad_token("Token is invalid"));
}

#[tokio::test]
async fn a_token_ends_by_its_number_and_with_another_password_but_not_with_the_other_logins() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (one, two) = (app.script(&alice, false).await, app.script(&alice, true).await);
    let no_token = detail("No Token matches the given query.");
    bob.delete("/api/auth/tokens/3/").await.says(404, no_token.clone());
    alice.delete("/api/auth/tokens/1/").await.says(404, no_token.clone());
    alice.delete("/api/auth/sessions/3/").await.says(404, detail("No Session matches the given query."));
    alice.delete("/api/auth/tokens/3/").await.is(204);
    alice.delete("/api/auth/tokens/3/").await.says(404, no_token);
    one.get("/api/patients/").await.says(401, bad_token("Token is invalid"));
    alice.delete("/api/auth/sessions/").await.is(204);
    two.get("/api/patients/").await.is(200);
    let change = json!({"old_password": PASSWORD, "new_password": "StrongerPass456"});
    alice.post("/api/auth/password/change/", change).await.is(200);
    two.get("/api/patients/").await.says(401, bad_token("Token is invalid"));
}
