//! What the body of one request can't do to the others.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    Client, PASSWORD, Reply, TestApp, detail, john_doe,
    program::{Directory, Program},
    with,
};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PATIENTS: &str = "/api/patients/";
const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_name_of_many_words_and_a_password_of_many_characters_are_refused_at_once() {
    let app = TestApp::start().await;
    // a rule that compared each of these words to the password would take seconds
    let words = |count: usize| "b.".repeat(count) + "b";
    let password = "Ab".repeat(1_500);
    let too_long = |max: usize| json!([format!("Ensure this field has no more than {max} characters.")]);
    let begun = Instant::now();
    for field in ["name", "first_name", "last_name", "username"] {
        let body = with(
            json!({"name": "Ada", "email": "ada@example.com"}),
            json!({field: words(5_000), "password": password}),
        );
        let reply = app.anonymous().post("/api/auth/register/", body).await;
        reply.says(400, json!({field: too_long(150), "password": too_long(1000)}));
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_rule_across_fields_looks_at_a_value_that_is_too_long() {
    let app = TestApp::start().await;
    let too_long = |max: usize| json!([format!("Ensure this field has no more than {max} characters.")]);
    let long = "1".repeat(1_001);
    let body = json!({
        "name": long, "first_name": long, "email": format!("{long}@example.com"), "username": format!("@{long}"),
        "password": long, "password2": PASSWORD, "password_confirm": long, "confirm_password": long,
    });
    app.anonymous().post("/api/auth/register/", body).await.says(
        400,
        json!({
            "name": too_long(150), "email": too_long(254), "username": too_long(150), "password": too_long(1000),
            "first_name": too_long(150), "password_confirm": too_long(1000), "confirm_password": too_long(1000),
        }),
    );
    // what looks at other fields is said all the same
    let body = json!({
        "name": long, "email": "wilhelmina9@example.com", "password": "Wilhelmina%1", "password2": PASSWORD,
        "confirm_password": long,
    });
    app.anonymous().post("/api/auth/register/", body).await.says(
        400,
        json!({
            "name": too_long(150), "confirm_password": too_long(1000),
            "password": ["The password is too similar to the email.", "Password fields didn't match."],
        }),
    );
}

/// A JSON body of about so many bytes that is a good patient, with lists of lists under one more key.
fn nested(key: &str, size: usize) -> String {
    let deep = "[".repeat(118) + &"]".repeat(118);
    let lists = vec![deep.as_str(); size / 237].join(",");
    let patient = john_doe().to_string();
    format!("{},\"{key}\":[{lists}]}}", patient.trim_end_matches('}'))
}

#[tokio::test]
async fn a_body_of_lists_of_lists_takes_no_more_memory_than_its_length() {
    let dir = Directory::new();
    let program = Program::start(dir.path(), &[]);
    let alice = Client::at(&program.address).registered("alice").await;
    let before = program.peak_memory();
    for key in ["z", "phone"] {
        // the gender is a choice, whose message quotes it
        for (key, status) in [(key, if key == "z" { 201 } else { 400 }), ("gender", 400)] {
            alice.raw("POST", PATIENTS, JSON, nested(key, 2 * MIB - 1024)).await.is(status);
        }
    }
    let more = program.peak_memory() - before;
    assert!(more < 40 * MIB as u64, "{} MiB", more / MIB as u64);
    program.stop();
}

#[tokio::test]
async fn bodies_about_accounts_are_small() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let login = json!({"email": "alice@example.com", "password": PASSWORD}).to_string();
    for (method, path, body, status) in [
        ("POST", "/api/auth/login/", &*login, 200),
        ("POST", "/api/auth/token/refresh/", r#"{"refresh": "x"}"#, 401),
        ("PATCH", "/api/auth/me/", r#"{"name": "Ada"}"#, 200),
        ("POST", "/api/auth/register/", "{}", 400),
    ] {
        let largest = format!("{body:16384}");
        alice.raw(method, path, JSON, largest.clone()).await.is(status);
        let refused = detail("The request body is larger than 16384 bytes.");
        alice.raw(method, path, JSON, largest + " ").await.says(413, refused);
    }
}

#[tokio::test]
async fn of_a_long_text_that_is_no_choice_the_beginning_is_quoted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let said = |quoted: String| json!({"gender": [format!("\"{quoted}\" is not a valid choice.")]});
    let numbers = |count: usize| vec!["1"; count].join(", ");
    for (gender, quoted) in [
        (json!("é".repeat(200)), "é".repeat(200)),
        (json!("é".repeat(201)), "é".repeat(200) + "…"),
        (json!("x".repeat(MIB)), "x".repeat(200) + "…"),
        (json!(vec![1; 66]), format!("[{}]", numbers(66))),
        (json!(vec![1; 67]), format!("[{}", numbers(67)) + "…"),
        (json!(vec![1; 10_000]), format!("[{}", numbers(67)) + "…"),
    ] {
        alice.post(PATIENTS, with(john_doe(), json!({"gender": gender}))).await.says(400, said(quoted));
    }
}

#[tokio::test]
async fn json_is_checked_also_where_no_field_is_made_of_it() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    alice.raw("POST", PATIENTS, JSON, nested("z", MIB)).await.is(201);
    for (value, said) in [
        (deep(127), "recursion limit exceeded at line 1 column 132"),
        (deep(100_000), "recursion limit exceeded at line 1 column 132"),
        ("1e400".into(), "number out of range at line 1 column 10"),
        ("[\"\\ud800\"]".into(), "unexpected end of hex escape at line 1 column 14"),
        ("{\"a\": nul}".into(), "expected ident at line 1 column 15"),
        ("{\"a\" 1}".into(), "expected `:` at line 1 column 11"),
        ("[1,]".into(), "trailing comma at line 1 column 9"),
        ("[1".into(), "expected `,` or `]` at line 1 column 8"),
    ] {
        let body = format!("{{\"z\":{value}}}");
        let reply = alice.raw("POST", PATIENTS, JSON, body).await;
        reply.says(400, detail(&format!("JSON parse error - {said}")));
    }
}

#[tokio::test]
async fn the_last_of_equal_keys_counts_and_other_keys_count_for_an_idempotency_key() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let post = async |key: &str, content_type: &str, body: &str| {
        let request =
            alice.request("POST", PATIENTS).header("idempotency-key", key).header("content-type", content_type);
        Reply::of(request.body(body.to_owned())).await
    };
    let json = |more: &str| format!(r#"{{"name": "A B", "age": 1, "gender": "?", "gender": "O", {more}}}"#);
    let form = |more: &str| format!("name=A+B&age=1&gender=?&gender=O&{more}");
    for (content_type, same, others) in [
        (
            JSON,
            [
                json(r#""x": {"a": [1, -1.5, null, true], "b": ""}, "y": "a""#),
                json(r#" "x":{"a":[1,-1.5,null,true],"b":""},"y":"a""#),
            ],
            vec![
                json(r#""x": {"a": [1, -1.5, null, true], "b": ""}, "y": "b""#),
                json(r#""x": {"a": [1, -1.5, null, false], "b": ""}, "y": "a""#),
                json(r#""x": {"a": [1, -1.5, null], "b": true}, "y": "a""#),
                json(r#""x": {"a": [[1, -1.5], null, true], "b": ""}, "y": "a""#),
                json(r#""x": {"a": [1, -1.5, null, true]}, "y": "a""#),
                json(r#""y": "a""#),
            ],
        ),
        (FORM, [form("x=1&y=a"), form("x=%31&y=a")], vec![form("x=1&y=b"), form("x=1"), form("x=1y&=a"), form("")]),
    ] {
        let first = post(content_type, content_type, &same[0]).await.is(201);
        assert_eq!(first.body["gender"], "O");
        let again = post(content_type, content_type, &same[1]).await.is(201);
        assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &first.text));
        for other in others {
            post(content_type, content_type, &other).await.is(422);
        }
    }
}
