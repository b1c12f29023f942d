//! `/api/auth/login/`.

use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::{
    LOGIN, PASSWORD, REGISTER, Reply, TestApp, alice_smith,
    cases::{all_hold, case},
    detail,
    messages::{BAD_CREDENTIALS, BLANK, NULL, REQUIRED, all, fault, faults},
    with,
};

#[tokio::test]
async fn by_email_or_username_under_either_key_in_any_case() {
    let app = TestApp::start().await;
    app.anonymous().post(REGISTER, with(alice_smith(), json!({"username": "alice"}))).await.is(201);
    for body in [
        json!({"email": "alice@example.com"}),
        json!({"username": "alice"}),
        json!({"username": "alice@example.com"}),
        json!({"email": "ALICE@example.COM"}),
        json!({"username": "Alice"}),
        json!({"email": "alice"}),
    ] {
        let reply = app.anonymous().post(LOGIN, with(body, json!({"password": PASSWORD}))).await.is(200);
        let keys: Vec<&String> = reply.body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["refresh", "access"]);
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    assert_eq!(app.value("select count(*) from sessions").await, 6);
}

#[tokio::test]
async fn tokens_hold_simplejwt_s_claims_and_the_session() {
    let app = TestApp::start().await;
    app.anonymous().post(REGISTER, alice_smith()).await.is(201);
    let credentials = json!({"email": "alice@example.com", "password": PASSWORD});
    let pair = app.anonymous().post(LOGIN, credentials).await.is(200).body;
    for (token_type, lifetime) in [("access", 15 * 60), ("refresh", 24 * 60 * 60)] {
        let token = pair[token_type].as_str().unwrap();
        let header = jsonwebtoken::decode_header(token).unwrap();
        assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::HS256, Some("JWT")));
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims;
        let keys: Vec<&String> = claims.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["token_type", "exp", "iat", "jti", "user_id", "sid"]);
        assert_eq!(
            (&claims["token_type"], &claims["user_id"], &claims["sid"]),
            (&json!(token_type), &json!("1"), &json!("1"))
        );
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), lifetime);
        let jti = claims["jti"].as_str().unwrap();
        assert!(jti.len() == 32 && jti.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{jti}");
    }
}

#[tokio::test]
async fn reports_what_is_missing_under_the_key_that_was_sent() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let post = |body: Value| case(&body, &anybody, "POST", LOGIN).json(body);
    let (by_email, by_username) = (["email", "password"], ["username", "password"]);
    all_hold([
        post(json!({})).says(400, faults(&by_email, REQUIRED)),
        post(all(&by_email, &json!(""))).says(400, faults(&by_email, BLANK)),
        post(all(&by_username, &json!(""))).says(400, faults(&by_username, BLANK)),
        post(all(&by_email, &json!(null))).says(400, faults(&by_email, NULL)),
        post(all(&by_username, &json!(null))).says(400, faults(&by_username, NULL)),
        post(json!({"username": "alice"})).says(400, fault("password", REQUIRED)),
        post(json!({"password": PASSWORD})).says(400, fault("email", REQUIRED)),
    ])
    .await;
}

#[tokio::test]
async fn is_refused_alike_for_a_wrong_password_an_unknown_user_and_an_inactive_one() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    client.post(REGISTER, alice_smith()).await.is(201);
    client.post(REGISTER, with(alice_smith(), json!({"email": "bob@example.com"}))).await.is(201);
    app.sql("update users set is_active = false where email like 'bob%'").await;
    let refused = |email: &str, password: Value| {
        let row = case(email, &client, "POST", LOGIN).json(json!({"email": email, "password": password}));
        row.says(401, detail(BAD_CREDENTIALS)).with_header("www-authenticate", "Bearer realm=\"api\"")
    };
    let mut rows =
        vec![refused("bob@example.com", json!(PASSWORD)), refused("alice@example.com", json!(format!(" {PASSWORD}")))];
    for email in ["alice@example.com", "nobody@example.com", "not an address", "bob@example.com"] {
        rows.extend([refused(email, json!("WrongPass123")), refused(email, json!(12345))]);
    }
    all_hold(rows).await;
    assert_eq!(app.value("select count(*) from sessions").await, 0);
}

/// Skipping the hash for any of the three would be ten times faster.
#[tokio::test]
async fn takes_as_long_whoever_it_is_refused() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    client.post(REGISTER, alice_smith()).await.is(201);
    client.post(REGISTER, with(alice_smith(), json!({"email": "bob@example.com"}))).await.is(201);
    client.post(REGISTER, with(alice_smith(), json!({"email": "carol@example.com"}))).await.is(201);
    app.sql("update users set is_active = false where email like 'bob%'").await;
    app.sql("update users set password_hash = '!unusable' where email like 'carol%'").await;
    let users = ["alice@example.com", "bob@example.com", "carol@example.com", "nobody@example.com"];
    let mut times: [Vec<Duration>; 4] = Default::default();
    for round in 0..20 {
        for turn in 0..4 {
            // each in every place: two threads take turns, and need not be alike
            let index = (turn + round / 2) % 4;
            let begun = Instant::now();
            client.post(LOGIN, json!({"email": users[index], "password": "WrongPass123"})).await.is(401);
            times[index].push(begun.elapsed());
        }
    }
    // what else runs on the machine makes some slower, and none faster
    let fastest = times.map(|times| times.into_iter().min().unwrap());
    let (least, most) = (fastest.iter().min().unwrap(), fastest.iter().max().unwrap());
    assert!(*most < *least * 2, "{fastest:?}");
}

#[tokio::test]
async fn begins_a_session_that_is_audited_and_is_no_change_of_the_account() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    client.post(REGISTER, alice_smith()).await.is(201);
    let request = client.request("POST", LOGIN).header("user-agent", "test/1.0").header("x-request-id", "forged");
    let reply = Reply::of(request.json(&json!({"email": "alice@example.com", "password": PASSWORD})));
    let request_id = reply.await.is(200).header("x-request-id").to_owned();
    assert_ne!(request_id, "forged");
    let session = app.value(
        "select row_to_json(s) from (select user_id, ended_at, user_agent, address, expires_at - created_at > '23 hours 59 minutes' as lasts from sessions) s",
    );
    assert_eq!(
        session.await,
        json!({"user_id": 1, "ended_at": null, "user_agent": "test/1.0", "address": "127.0.0.1", "lasts": true})
    );
    let account =
        app.value("select row_to_json(u) from (select version, last_login is not null as logged_in from users) u");
    assert_eq!(account.await, json!({"version": 1, "logged_in": true}));
    let audited = format!(
        "select jsonb_agg(jsonb_build_array(table_name, action, actor_id, actor_email, via, request_id = '{request_id}') order by id) from audit_log",
    );
    assert_eq!(
        app.value(&audited).await,
        json!([
            ["users", "INSERT", 1, "alice@example.com", "api", false],
            ["sessions", "INSERT", 1, "alice@example.com", "api", true],
        ])
    );
}

#[tokio::test]
async fn beyond_a_short_queue_is_503_at_once_and_the_others_are_answered() {
    let app = TestApp::start().await;
    let attempts: Vec<_> = (0..100)
        .map(|number| {
            let client = app.anonymous();
            let body = json!({"email": format!("{number}@example.com"), "password": PASSWORD});
            tokio::spawn(async move {
                let begun = Instant::now();
                (client.post(LOGIN, body).await, begun.elapsed())
            })
        })
        .collect();
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    for attempt in attempts {
        let (reply, time) = attempt.await.unwrap();
        if reply.status == 503 {
            assert_eq!(reply.header("retry-after"), "1");
            reply.says(503, detail("Service temporarily unavailable, try again later."));
            refused.push(time);
        } else {
            reply.says(401, detail(BAD_CREDENTIALS));
            answered.push(time);
        }
    }
    let (answered, refused) = (answered.iter().max().unwrap(), refused.iter().max().unwrap());
    assert!(*refused < *answered / 2, "refused after {refused:?}, answered after {answered:?}");
}
