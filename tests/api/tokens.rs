//! Tokens: fresh ones for a refresh token, and what an access token must be to be let in.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, Header};
use ring::hmac::{HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key, sign};
use serde_json::{Value, json};

use crate::support::{
    FALLBACK_KEY, LOGIN, PASSWORD, PATIENTS, REFRESH, REGISTER, SECRET_KEY, TestApp, alice_smith, bad_token,
    cases::{Case, all_hold, case},
    detail, john_doe,
    messages::{BLANK, NO_TOKEN, NOT_A_STRING, NULL, REQUIRED, fault, token_not_valid},
    with,
};

/// What a 401 asks for.
const BEARER: &str = "Bearer realm=\"api\"";

/// A token with the claims of the first user's first login, and some of them changed: null takes one away.
fn signed(key: &str, changes: Value) -> String {
    signed_as(&Header::default(), key, changes)
}

fn signed_as(header: &Header, key: &str, changes: Value) -> String {
    let now = Utc::now().timestamp();
    let claims = json!({
        "token_type": "access", "exp": now + 60, "iat": now, "jti": "0".repeat(32), "user_id": "1", "sid": "1",
    });
    let mut claims = with(claims, changes);
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let algorithm = match header.alg {
        Algorithm::HS384 => HMAC_SHA384,
        Algorithm::HS512 => HMAC_SHA512,
        _ => HMAC_SHA256,
    };
    let encoded = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encoded(json!(header)), encoded(claims));
    let signature = sign(&Key::new(algorithm, key.as_bytes()), message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_bad_authorization_header_is_ignored_where_no_token_is_needed() {
    let app = TestApp::start().await;
    let client = app.bearer("garbage");
    client.post(REGISTER, alice_smith()).await.is(201);
    let pair = client.post(LOGIN, json!({"email": "alice@example.com", "password": PASSWORD})).await.is(200).body;
    client.post(REFRESH, json!({"refresh": pair["refresh"]})).await.is(200);
}

mod refresh {
    use super::*;

    async fn pair(app: &TestApp) -> (String, String) {
        app.anonymous().post(REGISTER, alice_smith()).await.is(201);
        let body = json!({"email": "alice@example.com", "password": PASSWORD});
        let pair = app.anonymous().post(LOGIN, body).await.is(200).body;
        (pair["refresh"].as_str().unwrap().into(), pair["access"].as_str().unwrap().into())
    }

    #[tokio::test]
    async fn gives_a_new_access_token_again_and_again_under_both_paths() {
        let app = TestApp::start().await;
        let (refresh, _) = pair(&app).await;
        for path in [REFRESH, REFRESH, "/api/auth/refresh/", "/api/auth/refresh", "/api/auth/token/refresh"] {
            let reply = app.anonymous().post(path, json!({"refresh": refresh})).await.is(200);
            assert_eq!(reply.body.as_object().unwrap().len(), 1);
            assert_eq!(reply.header("cache-control"), "no-store");
            app.bearer(reply.body["access"].as_str().unwrap()).get(PATIENTS).await.says(200, json!([]));
        }
    }

    #[tokio::test]
    async fn refuses_what_is_no_good_refresh_token() {
        let app = TestApp::start().await;
        let (refresh, access) = pair(&app).await;
        let client = app.anonymous();
        let post = |body: Value| case(&body, &client, "POST", REFRESH).json(body);
        let refused = |token: String, message: &str| {
            let row = post(json!({ "refresh": token })).says(401, token_not_valid(message));
            row.with_header("www-authenticate", BEARER)
        };
        all_hold([
            post(json!({})).says(400, fault("refresh", REQUIRED)),
            post(json!({"refresh": ""})).says(400, fault("refresh", BLANK)),
            post(json!({"refresh": null})).says(400, fault("refresh", NULL)),
            post(json!({"refresh": []})).says(400, fault("refresh", NOT_A_STRING)),
            post(json!({"refresh": 7}))
                .says(401, token_not_valid("Token is invalid"))
                .with_header("www-authenticate", BEARER),
            refused("garbage".into(), "Token is invalid"),
            refused(format!("{refresh}x"), "Token is invalid"),
            refused(access, "Token has wrong type"),
            refused(signed(SECRET_KEY, json!({"exp": 1, "token_type": "refresh"})), "Token is expired"),
            refused(signed(SECRET_KEY, json!({"token_type": "refresh", "exp": null})), "Token has no 'exp' claim"),
        ])
        .await;
    }

    #[tokio::test]
    async fn ends_with_the_session_and_with_the_account() {
        let app = TestApp::start().await;
        let (refresh, _) = pair(&app).await;
        let client = app.anonymous();
        let no_account = detail("No active account found for the given token.");
        app.sql("update users set is_active = false").await;
        client.post(REFRESH, json!({"refresh": refresh})).await.says(401, no_account.clone());
        app.sql("update users set is_active = true; update sessions set ended_at = now()").await;
        client.post(REFRESH, json!({"refresh": refresh})).await.says(401, token_not_valid("Token is blacklisted"));
        app.sql("delete from users").await;
        client.post(REFRESH, json!({"refresh": refresh})).await.says(401, no_account);
    }
}

mod access {
    use super::*;

    /// A token that is refused wherever a user is needed.
    fn refused(app: &TestApp, name: &str, token: &str, body: Value) -> Case {
        let row = case(name, &app.bearer(token), "GET", PATIENTS).says(401, body);
        row.with_header("www-authenticate", BEARER).with_header("allow", "GET, POST, HEAD, OPTIONS")
    }

    #[tokio::test]
    async fn needs_two_words_of_which_the_first_is_bearer_in_any_case() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let token = alice.token();
        let nobody = app.anonymous();
        let send = |header: &str| case(header, &nobody, "GET", PATIENTS).header("authorization", header);
        let bad = json!({
            "detail": "Authorization header must contain two space-delimited values", "code": "bad_authorization_header",
        });
        let none = detail(NO_TOKEN);
        let no_header = case("no header", &nobody, "GET", PATIENTS).says(401, none.clone());
        let mut rows = vec![
            no_header.with_header("www-authenticate", BEARER).with_header("allow", "GET, POST, HEAD, OPTIONS"),
            send("Bearer").says(401, bad.clone()),
            send(&format!("Bearer {token} more")).says(401, bad),
            send("Bearer garbage").says(401, bad_token("Token is invalid")),
            send(token).says(401, none.clone()).with_header("www-authenticate", BEARER),
            send("").says(401, none).with_header("www-authenticate", BEARER),
        ];
        rows.extend(
            ["Bearer", "bearer", "BEARER"].map(|scheme| send(&format!("{scheme} {token}")).says(200, json!([]))),
        );
        all_hold(rows).await;
    }

    #[tokio::test]
    async fn under_another_scheme_is_none_and_the_header_tells_which_scheme_is_wanted() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let nobody = app.anonymous();
        let send = |scheme: &str, challenge: &str| {
            let credentials = format!("{scheme} {}", alice.token());
            let row = case(scheme, &nobody, "GET", PATIENTS).header("authorization", &credentials);
            row.says(401, detail(NO_TOKEN)).with_header("www-authenticate", challenge)
        };
        let mut rows: Vec<Case> = ["JWT", "jwt", "Token", "Basic", "Digest", "Negotiate"]
            .into_iter()
            .map(|scheme| {
                let name = if scheme == "jwt" { "JWT" } else { scheme };
                let description = format!("error_description=\"Use the scheme Bearer, not {name}\"");
                send(scheme, &format!("{BEARER}, error=\"invalid_request\", {description}"))
            })
            .collect();
        // what could be a secret is not repeated
        rows.push(send("hunter2", BEARER));
        all_hold(rows).await;
    }

    #[tokio::test]
    async fn needs_a_token_of_ours_with_all_its_claims() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let (good, now) = (alice.token(), Utc::now().timestamp());
        let claims = |name: &str, changes: Value, body: Value| refused(&app, name, &signed(SECRET_KEY, changes), body);
        let invalid = || bad_token("Token is invalid");
        let another_key = |name: &str, changes: Value| refused(&app, name, &signed("another key", changes), invalid());
        let algorithm = |name: &str, algorithm: Algorithm| {
            refused(&app, name, &signed_as(&Header::new(algorithm), SECRET_KEY, json!({})), invalid())
        };
        // its header says that its algorithm is "none"
        let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", good.split('.').nth(1).unwrap());
        let no_id = token_not_valid("Token contained no recognizable user identification");
        let no_user = json!({"detail": "User not found", "code": "user_not_found"});
        let taken = |name: &str, changes: Value| {
            case(name, &app.bearer(&signed(SECRET_KEY, changes)), "GET", PATIENTS).says(200, json!([]))
        };
        all_hold([
            taken("a good one", json!({})),
            taken("numbers that are numbers", json!({"user_id": 1, "sid": 1})),
            another_key("another key", json!({})),
            another_key("another key, expired", json!({"exp": now - 1})),
            algorithm("HS512", Algorithm::HS512),
            algorithm("HS384", Algorithm::HS384),
            refused(&app, "no algorithm", &unsigned, invalid()),
            refused(&app, "more bytes", &format!("{good}AA"), invalid()),
            refused(&app, "no dots", &good.replace('.', ""), invalid()),
            claims("expired", json!({"exp": now - 1}), bad_token("Token is expired")),
            claims("exp a word", json!({"exp": "soon"}), invalid()),
            claims("nbf ahead", json!({"nbf": now + 60}), invalid()),
            claims("no exp", json!({"exp": null}), bad_token("Token has no 'exp' claim")),
            claims("no jti", json!({"jti": null}), bad_token("Token has no id")),
            claims("no type", json!({"token_type": null}), bad_token("Token has no type")),
            claims("a refresh token", json!({"token_type": "refresh"}), bad_token("Token has wrong type")),
            claims("no iat", json!({"iat": null}), invalid()),
            claims("no sid", json!({"sid": null}), invalid()),
            claims("another sid", json!({"sid": "2"}), invalid()),
            claims("no user", json!({"user_id": null}), no_id),
            claims("another user", json!({"user_id": "99"}), no_user.clone()),
            claims("a user of a word", json!({"user_id": "word"}), no_user),
        ])
        .await;
    }

    #[tokio::test]
    async fn is_given_by_tokens_of_an_earlier_key_while_it_is_listed() {
        let app = TestApp::start().await;
        app.user("alice").await;
        app.bearer(&signed(FALLBACK_KEY, json!({}))).get(PATIENTS).await.says(200, json!([]));
    }

    #[tokio::test]
    async fn a_session_is_its_user_s_alone() {
        let app = TestApp::start().await;
        for name in ["alice", "bob"] {
            // an empty list is looked into twice
            app.user(name).await.post(PATIENTS, john_doe()).await.is(201);
        }
        all_hold([
            refused(&app, "alice in bob's", &app.token(1, 2), bad_token("Token is invalid")),
            refused(&app, "bob in alice's", &app.token(2, 1), bad_token("Token is invalid")),
        ])
        .await;
    }
}

#[tokio::test]
async fn a_token_whose_header_names_a_key_or_an_extension_is_invalid() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let with_header = |key: &str, header: Value| {
        let header: Header = serde_json::from_value(header).unwrap();
        app.bearer(&signed_as(&header, key, json!({})))
    };
    let ours = json!({"alg": "HS256", "typ": "JWT"});
    for key in [SECRET_KEY, FALLBACK_KEY] {
        for good in [ours.clone(), json!({"alg": "HS256"})] {
            with_header(key, good).get(PATIENTS).await.says(200, json!([]));
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
            with_header(key, with(ours.clone(), more)).get(PATIENTS).await.says(401, bad_token("Token is invalid"));
        }
    }
}
