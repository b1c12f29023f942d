//! What the body or the token of one request can't do to the others.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{FALLBACK_KEY, SECRET_KEY, TestApp, with};

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
