//! The rules for new passwords, which follow a setting.

use std::fs;

use serde_json::{Value, json};

use crate::{
    config::url,
    support::{
        Client, LOGIN, REGISTER, SECRET_KEY, TestApp,
        cases::{Case, all_hold, case},
        messages::{ALL_DIGITS, BLANK, TOO_COMMON, TOO_SHORT, fault, too_long},
        program::{Directory, Program, run},
    },
};

/// A directory whose `.env` has these rules.
fn directory(app: &TestApp, rules: &str) -> Directory {
    let dir = Directory::new();
    let database = format!("DATABASE_URL='{}'\nSECRET_KEY='{SECRET_KEY}'\n", url(app));
    fs::write(dir.path().join(".env"), format!("{database}AUTH_PASSWORD_VALIDATORS={rules}\n")).unwrap();
    dir
}

fn register(number: usize, client: &Client, password: &str) -> Case {
    let body = json!({"name": "Alice", "email": format!("alice{number}@example.com"), "password": password});
    case(password, client, "POST", REGISTER).json(body)
}

/// What the document says of a new password, and how it shows a weak one.
async fn described(client: &Client) -> (Value, Value, Value) {
    let document = client.get("/api/openapi.json").await.is(200).body;
    let password = &document["components"]["schemas"]["RegisterRequest"]["properties"]["password"];
    let errors = &document["components"]["responses"]["RegisterErrors"];
    let weak = &errors["content"]["application/json"]["examples"]["weak_password"]["value"];
    (password["minLength"].clone(), password["description"].clone(), weak.clone())
}

#[tokio::test]
async fn an_empty_setting_takes_every_password_that_is_not_blank() {
    let app = TestApp::start().await;
    let dir = directory(&app, "");
    let server = Program::start(dir.path(), &[]);
    let anybody = Client::at(&server.address);
    let good = ["x", "password", "123456", "alice0@example.com"];
    let rows = good.iter().enumerate().map(|(number, password)| register(number, &anybody, password).is(201));
    let bounds = [
        register(9, &anybody, "  ").says(400, fault("password", BLANK)),
        register(9, &anybody, &"x".repeat(1001)).says(400, fault("password", too_long(1000))),
    ];
    all_hold(rows.chain(bounds)).await;
    assert_eq!(described(&anybody).await, (json!(1), json!("Not blank."), Value::Null));

    let root = ["createsuperuser", "--email", "root@example.org", "--name", "Root", "--password-stdin"];
    let change = ["changepassword", "root@example.org", "--password-stdin"];
    for (arguments, password, said) in [
        (&root[..], "", format!("error: password: {BLANK}\n")),
        (&root, "1", String::new()),
        (&change, "2", String::new()),
        (&change, "", format!("error: {BLANK}\n")),
        (&change, &"x".repeat(1001), format!("error: {}\n", too_long(1000))),
    ] {
        let done = run(dir.path(), arguments, password);
        assert_eq!((done.status.success(), &*String::from_utf8_lossy(&done.stderr)), (said.is_empty(), &*said));
    }
    let login = json!({"email": "root@example.org", "password": "2"});
    anybody.post(LOGIN, login).await.is(200);
}

#[tokio::test]
async fn some_of_the_rules_hold_in_their_order_by_either_name() {
    let app = TestApp::start().await;
    let dir = directory(&app, "numeric,django.contrib.auth.password_validation.MinimumLengthValidator,numeric");
    let server = Program::start(dir.path(), &[]);
    let anybody = Client::at(&server.address);
    all_hold([
        register(1, &anybody, "123").says(400, json!({"password": [ALL_DIGITS, TOO_SHORT]})),
        register(2, &anybody, "password").is(201),
        register(3, &anybody, "alice3@example.com").is(201),
    ])
    .await;
    let description = json!("Not blank, not of digits alone, of 8 characters at least.");
    assert_eq!(described(&anybody).await, (json!(8), description, fault("password", TOO_SHORT)));
    let change = run(dir.path(), &["changepassword", "alice2@example.com", "--password-stdin"], "87654321");
    assert_eq!(String::from_utf8_lossy(&change.stderr), format!("error: {ALL_DIGITS}\n"));
}

#[tokio::test]
async fn all_of_the_rules_hold_where_nothing_is_set() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let every = "Not blank, not like the other fields, of 8 characters at least, not too common, not of digits alone.";
    let weak = json!({"password": [TOO_SHORT, TOO_COMMON]});
    assert_eq!(described(&anybody).await, (json!(8), json!(every), weak.clone()));
    all_hold([register(1, &anybody, "abc123").says(400, weak)]).await;
}
