//! `/api/auth/`, beside Django.

use serde_json::{Value, json};

use super::{PAGE, Why};
use crate::support::{
    LOGIN, PASSWORD, REFRESH, REGISTER, TestApp, bad_token,
    cases::{all_hold, case},
    detail,
    messages::{
        ALL_DIGITS, BAD_CREDENTIALS, BLANK, EMAIL_IS_TAKEN, NOT_A_STRING, NOT_A_USERNAME, NOT_AN_EMAIL, NUL, NULL,
        REQUIRED, TOO_COMMON, TOO_SHORT, all, fault, faults, not_allowed, token_not_valid, too_long, unsupported,
    },
    with,
};

const ACCOUNT: [&str; 3] = ["name", "email", "password"];

fn json_error(words: &str) -> Value {
    detail(&format!("JSON parse error - {words}"))
}

#[tokio::test]
async fn a_registration_s_fields_are_checked_as_django_checks_them() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let register = |name: &str, body: Value| case(name, &anybody, "POST", REGISTER).json(body);
    let bob = |changes: Value| with(json!({"name": "Bob", "email": "new@example.com", "password": PASSWORD}), changes);
    let user = json!({"id": 1, "name": "Bob", "email": "bob@example.com"});
    let created = |user: Value| json!({"user": user, "message": "User registered successfully"});
    let ours = created(with(user.clone(), json!({"username": "bob@example.com"})));
    let long_email = format!("{}@example.com", "a".repeat(288));
    let at_b = |changes: Value| with(json!({"email": "b@example.com"}), changes);
    let one_field = [
        ("name a list", json!({"name": []}), json!({"name": [NOT_A_STRING]})),
        ("name a boolean", json!({"name": true}), json!({"name": [NOT_A_STRING]})),
        ("name an object", json!({"name": {}}), json!({"name": [NOT_A_STRING]})),
        ("name 256 chars", json!({"name": "x".repeat(256)}), json!({"name": [too_long(150)]})),
        ("name only spaces", json!({"name": "   "}), json!({"name": [BLANK]})),
        ("name with NUL", json!({"name": "a\0b"}), json!({"name": [NUL]})),
        ("email malformed", json!({"email": "nope"}), json!({"email": [NOT_AN_EMAIL]})),
        ("email 300 chars", json!({"email": long_email}), json!({"email": [too_long(254)]})),
        ("duplicate email", json!({"email": "bob@example.com"}), json!({"email": [EMAIL_IS_TAKEN]})),
        ("duplicate email, other domain case", json!({"email": "bob@EXAMPLE.com"}), json!({"email": [EMAIL_IS_TAKEN]})),
        ("bad username (B)", at_b(json!({"username": "a b"})), json!({"username": [NOT_A_USERNAME]})),
        ("username 151 chars (B)", at_b(json!({"username": "u".repeat(151)})), json!({"username": [too_long(150)]})),
        ("password 5 chars", at_b(json!({"password": "aB3$x"})), json!({"password": [TOO_SHORT]})),
        ("password common", at_b(json!({"password": "password123"})), json!({"password": [TOO_COMMON]})),
        ("password all digits", at_b(json!({"password": "9182736450"})), json!({"password": [ALL_DIGITS]})),
        ("password 123", at_b(json!({"password": "123"})), json!({"password": [TOO_SHORT, TOO_COMMON, ALL_DIGITS]})),
        (
            "password like email",
            json!({"email": "similarlocal@example.com", "password": "similarlocal"}),
            json!({"password": ["The password is too similar to the email."]}),
        ),
    ];
    let mut rows = vec![
        register("success", bob(json!({"email": "bob@example.com"}))).says(201, ours).unlike(
            Why::Username,
            201,
            created(user),
        ),
        register("empty object", json!({})).says(400, faults(&ACCOUNT, REQUIRED)),
        case("no body", &anybody, "POST", REGISTER).says(400, faults(&ACCOUNT, REQUIRED)),
        register("all blank", all(&ACCOUNT, &json!(""))).says(400, faults(&ACCOUNT, BLANK)),
        register("all null", all(&ACCOUNT, &json!(null))).says(400, faults(&ACCOUNT, NULL)),
    ];
    rows.extend(one_field.map(|(name, changes, errors)| register(name, bob(changes)).says(400, errors)));
    rows.push(
        register("password common (B)", bob(json!({"email": "c@example.com", "password": "password123"})))
            .says(400, fault("password", TOO_COMMON))
            .unlike(Why::PasswordRules, 201, PAGE),
    );
    rows.push(
        register("duplicate email, other case in the local part", bob(json!({"email": "BOB@example.com"})))
            .says(400, fault("email", EMAIL_IS_TAKEN))
            .unlike(Why::AnyCase, 201, PAGE),
    );
    all_hold(rows).await;
}

#[tokio::test]
async fn a_registration_s_request_is_read_as_django_reads_it() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let raw = |name: &str, kind: &str, body: &str| case(name, &anybody, "POST", REGISTER).raw(kind, body);
    let send = |name: &str, body: &str| raw(name, "application/json", body);
    let no_dictionary = |kind: &str| json!([format!("Invalid data. Expected a dictionary, but got {kind}.")]);
    let metadata = |renders: Value| {
        let parses = json!(["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]);
        json!({"name": "Register", "description": "", "renders": renders, "parses": parses})
    };
    let bad = app.bearer("garbage");
    all_hold([
        send("JSON array body", "[]").says(400, json!({"non_field_errors": no_dictionary("list")})),
        send("JSON string body", "\"x\"").says(400, json!({"non_field_errors": no_dictionary("str")})),
        send("JSON null body", "null").says(400, fault("non_field_errors", "No data provided")),
        send("empty body, JSON content type", "").says(400, faults(&ACCOUNT, REQUIRED)),
        send("malformed JSON", "{\"name\": }").says(400, json_error("expected value at line 1 column 10")).unlike(
            Why::JsonSyntax,
            400,
            json_error("Expecting value: line 1 column 10 (char 9)"),
        ),
        send("trailing comma", "{\"name\": \"x\",}")
            .says(400, json_error("trailing comma at line 1 column 14"))
            .unlike(
                Why::JsonSyntax,
                400,
                json_error("Expecting property name enclosed in double quotes: line 1 column 14 (char 13)"),
            ),
        send("NaN in JSON", "{\"name\": NaN}").says(400, json_error("expected value at line 1 column 10")).unlike(
            Why::JsonSyntax,
            400,
            json_error("Out of range float values are not JSON compliant: 'NaN'"),
        ),
        raw("Content-Type text/plain", "text/plain", "{}").says(415, unsupported("text/plain")),
        raw("Content-Type missing, body sent", "", "{}").says(415, unsupported("")),
        case("GET", &anybody, "GET", REGISTER).says(405, not_allowed("GET")),
        case("PUT", &anybody, "PUT", REGISTER).says(405, not_allowed("PUT")),
        case("HEAD", &anybody, "HEAD", REGISTER).says(405, PAGE),
        case("OPTIONS", &anybody, "OPTIONS", REGISTER).says(200, metadata(json!(["application/json"]))).unlike(
            Why::Metadata,
            200,
            metadata(json!(["application/json", "text/html"])),
        ),
        case("with an invalid Bearer token (B)", &bad, "POST", REGISTER)
            .json(json!({}))
            .says(400, faults(&ACCOUNT, REQUIRED))
            .unlike(Why::NoBadToken, 401, bad_token("Token is invalid")),
        case("POST without the trailing slash", &anybody, "POST", "/api/auth/register")
            .json(json!({}))
            .says(400, faults(&ACCOUNT, REQUIRED))
            .unlike(Why::NoRedirect, 301, PAGE),
    ])
    .await;
}

#[tokio::test]
async fn a_login_is_answered_as_django_answers_it() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let anybody = app.anonymous();
    let login = |name: &str, body: Value| case(name, &anybody, "POST", LOGIN).json(body);
    let both = ["email", "password"];
    all_hold([
        login("wrong password", json!({"email": "alice@example.com", "password": "x"}))
            .says(401, detail(BAD_CREDENTIALS)),
        login("unknown user", json!({"email": "bob@example.com", "password": "x"})).says(401, detail(BAD_CREDENTIALS)),
        login("malformed email", json!({"email": "nope", "password": "x"})).says(401, detail(BAD_CREDENTIALS)),
        login("password a number", json!({"email": "alice@example.com", "password": 5}))
            .says(401, detail(BAD_CREDENTIALS)),
        login("{}", json!({})).says(400, faults(&both, REQUIRED)),
        login("blank", all(&both, &json!(""))).says(400, faults(&both, BLANK)),
        login("null", all(&both, &json!(null))).says(400, faults(&both, NULL)),
        login("other dialect's key", json!({"username": "bob", "password": "x"}))
            .says(401, detail(BAD_CREDENTIALS))
            .unlike(Why::BothDialects, 400, fault("email", REQUIRED)),
        case("malformed JSON", &anybody, "POST", LOGIN)
            .raw("application/json", "{")
            .says(400, json_error("EOF while parsing an object at line 1 column 1"))
            .unlike(
                Why::JsonSyntax,
                400,
                json_error("Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            ),
        case("GET", &anybody, "GET", LOGIN).says(405, not_allowed("GET")),
        login("email in other case", json!({"email": "ALICE@example.com", "password": PASSWORD})).is(200),
    ])
    .await;
}

#[tokio::test]
async fn a_refresh_is_answered_as_django_answers_it() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let anybody = app.anonymous();
    let credentials = json!({"email": "alice@example.com", "password": PASSWORD});
    let tokens = anybody.post(LOGIN, credentials).await.is(200).body;
    let rows = [REFRESH, "/api/auth/refresh/"].into_iter().flat_map(|path| {
        let refresh = |name: &str, body: Value| case(name, &anybody, "POST", path).json(body);
        [
            refresh("{}", json!({})).says(400, fault("refresh", REQUIRED)),
            refresh("blank", json!({"refresh": ""})).says(400, fault("refresh", BLANK)),
            refresh("null", json!({"refresh": null})).says(400, fault("refresh", NULL)),
            refresh("garbage", json!({"refresh": "garbage"})).says(401, token_not_valid("Token is invalid")),
            refresh("a number", json!({"refresh": 5})).says(401, token_not_valid("Token is invalid")),
            refresh("access token as refresh", json!({"refresh": tokens["access"]}))
                .says(401, token_not_valid("Token has wrong type")),
            case("GET", &anybody, "GET", path).says(405, not_allowed("GET")),
        ]
    });
    all_hold(rows).await;
    app.sql("delete from users").await;
    all_hold([case("of a user that does not exist", &anybody, "POST", REFRESH)
        .json(json!({"refresh": tokens["refresh"]}))
        .says(401, detail("No active account found for the given token."))
        .unlike(Why::NoServerError, 500, PAGE)])
    .await;
}
