//! What the body or the token of one request can't do to the others.

use std::time::{Duration, Instant};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{FALLBACK_KEY, PASSWORD, SECRET_KEY, TestApp, with};

/// An access token of the first login whose header is as given.
fn token_with_header(key: &str, header: Value) -> String {
    let now = chrono::Utc::now().timestamp();
    let claims = json!({
        "token_type": "access", "exp": now + 60, "iat": now, "jti": "0".repeat(32), "user_id": "1", "sid": "1",
    });
    let header: Header = serde_json::from_value(header).unwrap();
    encode(&header, &claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

#[tokio::test]
async fn a_token_whose_header_names_a_key_or_an_extension_is_invalid() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let ours = json!({"alg": "HS256", "typ": "JWT"});
    let invalid = json!({
        "detail": "Given token not valid for any token type", "code": "token_not_valid",
        "messages": [{"token_class": "AccessToken", "token_type": "access", "message": "Token is invalid"}],
    });
    for key in [SECRET_KEY, FALLBACK_KEY] {
        for good in [ours.clone(), json!({"alg": "HS256"})] {
            app.bearer(&token_with_header(key, good)).get("/api/patients/").await.says(200, json!([]));
        }
        for more in [
            json!({"kid": "../../dev/null"}),
            json!({"jku": "https://example.com/keys"}),
            json!({"x5u": "https://example.com/key"}),
            json!({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}),
            json!({"x5c": ["MIIB"]}),
            json!({"crit": ["exp"]}),
            json!({"crit": [], "b64": false}),
        ] {
            let token = token_with_header(key, with(ours.clone(), more));
            app.bearer(&token).get("/api/patients/").await.says(401, invalid.clone());
        }
    }
}

#[tokio::test]
async fn a_name_of_many_words_and_a_password_of_many_characters_are_refused_at_once() {
    let app = TestApp::start().await;
    // as large as a body may be, so that a rule that compares each word to the password takes minutes
    let words = |count: usize| "b ".repeat(count) + "b";
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
async fn of_a_value_that_is_too_long_nothing_else_is_said() {
    let app = TestApp::start().await;
    let too_long = |max: usize| json!([format!("Ensure this field has no more than {max} characters.")]);
    let long = "1".repeat(1_001);
    let body = json!({
        "name": long, "first_name": long, "email": long, "username": format!("@ {long}"),
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
        "name": long, "email": "wilhelmina9@example.com", "password": "Wilhelmina%1", "password2": PASSWORD, "confirm_password": long,
    });
    app.anonymous().post("/api/auth/register/", body).await.says(
        400,
        json!({
            "name": too_long(150), "confirm_password": too_long(1000),
            "password": ["The password is too similar to the email.", "Password fields didn't match."],
        }),
    );
}
