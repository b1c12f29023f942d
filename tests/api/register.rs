//! `/api/auth/register/`.

use serde_json::{Value, json};

use crate::support::{
    Client, PASSWORD, REGISTER, TestApp, alice_smith,
    cases::{Case, all_hold, case},
    messages::{ALL_DIGITS, BLANK, EMAIL_IS_TAKEN, REQUIRED, TOO_COMMON, TOO_SHORT, fault, too_long},
    with,
};

fn post(name: &str, client: &Client, body: Value) -> Case {
    case(name, client, "POST", REGISTER).json(body)
}

/// What is answered with 201.
fn registered(id: u32, name: &str, email: &str, username: &str) -> Value {
    let user = json!({"id": id, "name": name, "email": email, "username": username});
    json!({"user": user, "message": "User registered successfully"})
}

#[tokio::test]
async fn answers_readme_a_s_example_once() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    all_hold([
        post("README A's", &anybody, alice_smith())
            .says(201, registered(1, "Alice Smith", "alice@example.com", "alice@example.com"))
            .with_header("cache-control", "no-store"),
        post("again", &anybody, alice_smith()).says(400, fault("email", EMAIL_IS_TAKEN)),
    ])
    .await;
}

#[tokio::test]
async fn takes_readme_b_s_username() {
    let app = TestApp::start().await;
    let body = json!({"name": "Alice", "email": "a@a.com", "username": "alice", "password": "StrongPass123"});
    app.anonymous().post(REGISTER, body).await.says(201, registered(1, "Alice", "a@a.com", "alice"));
}

#[tokio::test]
async fn stores_an_argon2id_hash_and_shows_it_to_nobody() {
    let app = TestApp::start().await;
    let reply = app.anonymous().post(REGISTER, alice_smith()).await.is(201);
    let hash = app.value("select password_hash from users").await;
    let hash = hash.as_str().unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(!reply.text.contains(hash));
    let audited = app.value("select jsonb_agg(new_values)::text from audit_log").await.to_string();
    assert!(!audited.contains("argon2id") && audited.contains("********"), "{audited}");
}

#[tokio::test]
async fn passwords_follow_django_s_four_rules() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let rows = [
        ("aB3$x", json!([TOO_SHORT])),
        ("password123", json!([TOO_COMMON])),
        ("PassWord123", json!([TOO_COMMON])),
        ("9182736450", json!([ALL_DIGITS])),
        ("123", json!([TOO_SHORT, TOO_COMMON, ALL_DIGITS])),
        ("similarlocal1", json!(["The password is too similar to the email."])),
        ("Wilhelmina%1", json!(["The password is too similar to the name."])),
    ]
    .map(|(password, messages)| {
        let body = json!({"name": "Wilhelmina Jones", "email": "similarlocal@example.com", "password": password});
        post(password, &anybody, body).says(400, json!({ "password": messages }))
    });
    let body = json!({"name": "A", "username": "wilhelmina", "email": "a@example.com", "password": "wilhelmina9"});
    let like_the_username = post("wilhelmina9", &anybody, body)
        .says(400, fault("password", "The password is too similar to the username."));
    all_hold(rows.into_iter().chain([like_the_username])).await;
}

#[tokio::test]
async fn a_repeated_password_must_match_under_any_of_its_names() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let wrong = ["password2", "password_confirm", "confirm_password"].map(|key| {
        let body = with(alice_smith(), json!({ key: "StrongPass124" }));
        post(key, &anybody, body).says(400, fault("password", "Password fields didn't match."))
    });
    let right = with(alice_smith(), json!({"password2": PASSWORD, "confirm_password": PASSWORD}));
    all_hold(wrong.into_iter().chain([post("the same twice", &anybody, right).is(201)])).await;
}

#[tokio::test]
async fn both_taken_fields_are_named_whatever_the_case_and_beside_other_faults() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let taken = json!({"email": [EMAIL_IS_TAKEN], "username": ["A user with that username already exists."]});
    let again = with(alice_smith(), json!({"email": "ALICE@Example.com", "username": "aLICE"}));
    all_hold([
        post("first", &anybody, with(alice_smith(), json!({"username": "Alice"}))).is(201),
        post("again", &anybody, again.clone()).says(400, taken.clone()),
        post("beside a blank", &anybody, with(again, json!({"name": ""})))
            .says(400, with(taken, json!({"name": [BLANK]}))),
    ])
    .await;
}

#[tokio::test]
async fn a_username_with_an_at_is_one_s_own_email() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let named = |username: &str| post(username, &anybody, with(alice_smith(), json!({ "username": username })));
    all_hold([
        named("bob@example.com").says(400, fault("username", "A username with an @ must be your own email address.")),
        named("Alice@example.com").is(201),
    ])
    .await;
}

#[tokio::test]
async fn a_name_is_made_up_of_what_there_is_or_asked_for() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let account = |fields: Value| {
        let name = fields.to_string();
        post(&name, &anybody, with(json!({"email": "ada@example.com", "password": PASSWORD}), fields))
    };
    let too_long_together = json!({"first_name": "a".repeat(150), "last_name": "b"});
    all_hold([
        account(json!({"first_name": ""})).says(400, fault("name", REQUIRED)),
        account(json!({"first_name": " ", "last_name": ""})).says(400, fault("name", REQUIRED)),
        account(too_long_together).says(400, fault("name", too_long(150))),
        account(json!({"first_name": "Ada", "last_name": "Lovelace", "username": "ada"}))
            .says(201, registered(1, "Ada Lovelace", "ada@example.com", "ada")),
        account(json!({"first_name": "Bob", "email": "b@example.com"}))
            .says(201, registered(2, "Bob", "b@example.com", "b@example.com")),
        account(json!({"username": "carol", "email": "c@example.com"}))
            .says(201, registered(3, "carol", "c@example.com", "carol")),
    ])
    .await;
}

#[tokio::test]
async fn gives_nobody_rights_that_they_ask_for() {
    let app = TestApp::start().await;
    let body = with(
        alice_smith(),
        json!({"id": 77, "is_staff": true, "is_superuser": true, "is_active": false, "version": 9}),
    );
    let reply = app.anonymous().post(REGISTER, body).await.is(201);
    assert_eq!(reply.body["user"]["id"], 1);
    let rights =
        app.value("select row_to_json(u) from (select is_active, is_staff, is_superuser, version from users) u").await;
    assert_eq!(rights, json!({"is_active": true, "is_staff": false, "is_superuser": false, "version": 1}));
}

#[tokio::test]
async fn one_email_six_times_at_once_is_one_account() {
    let app = TestApp::start().await;
    let attempts: Vec<_> = ["alice", "Alice", "ALICE", "aLICE", "alicE", "AliCe"]
        .into_iter()
        .map(|user| {
            let client = app.anonymous();
            let body = with(alice_smith(), json!({"email": format!("{user}@example.com")}));
            tokio::spawn(async move { client.post(REGISTER, body).await })
        })
        .collect();
    let mut made = 0;
    for attempt in attempts {
        let reply = attempt.await.unwrap();
        if reply.status == 201 {
            made += 1;
        } else {
            reply.says(400, fault("email", EMAIL_IS_TAKEN));
        }
    }
    assert_eq!(made, 1);
    assert_eq!(app.value("select count(*) from users").await, 1);
}
