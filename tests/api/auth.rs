//! `/api/auth/`, and the tokens that come from there.

use std::time::{Duration, Instant};

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{Client, FALLBACK_KEY, PASSWORD, Reply, SECRET_KEY, TestApp, bad_token, detail, john_doe, with};

const REGISTER: &str = "/api/auth/register/";
const LOGIN: &str = "/api/auth/login/";
const REFRESH: &str = "/api/auth/token/refresh/";

fn alice() -> Value {
    json!({ "name": "Alice Smith", "email": "alice@example.com", "password": PASSWORD })
}

mod register {
    use super::*;

    #[tokio::test]
    async fn answers_readme_a_s_example() {
        let app = TestApp::start().await;
        let reply = app.anonymous().post(REGISTER, alice()).await;
        let reply = reply.says(
            201,
            json!({
                "user": {"id": 1, "name": "Alice Smith", "email": "alice@example.com", "username": "alice@example.com"},
                "message": "User registered successfully",
            }),
        );
        assert_eq!(reply.header("cache-control"), "no-store");
        let again = app.anonymous().post(REGISTER, alice()).await;
        again.says(400, json!({"email": ["user with this email already exists."]}));
    }

    #[tokio::test]
    async fn takes_readme_b_s_username() {
        let app = TestApp::start().await;
        let body = json!({"name": "Alice", "email": "a@a.com", "username": "alice", "password": "StrongPass123"});
        app.anonymous().post(REGISTER, body).await.says(
            201,
            json!({
                "user": {"id": 1, "name": "Alice", "email": "a@a.com", "username": "alice"},
                "message": "User registered successfully",
            }),
        );
    }

    #[tokio::test]
    async fn stores_an_argon2id_hash_and_shows_it_to_nobody() {
        let app = TestApp::start().await;
        let reply = app.anonymous().post(REGISTER, alice()).await.is(201);
        let hash = app.value("select password_hash from users").await;
        let hash = hash.as_str().unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!reply.text.contains(hash));
        let audited = app.value("select jsonb_agg(new_values)::text from audit_log").await.to_string();
        assert!(!audited.contains("argon2id") && audited.contains("********"), "{audited}");
    }

    #[tokio::test]
    async fn every_fault_is_reported_at_once() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        let each = |message: &str| json!({"name": [message], "email": [message], "password": [message]});
        let missing = each("This field is required.");
        client.post(REGISTER, json!({})).await.says(400, missing.clone());
        client.send("POST", REGISTER).await.says(400, missing.clone());
        client.raw("POST", REGISTER, "application/json", "").await.says(400, missing);
        let all = |value: Value| json!({"name": value, "email": value, "password": value});
        client.post(REGISTER, all(json!(""))).await.says(400, each("This field may not be blank."));
        client.post(REGISTER, all(json!("  "))).await.says(400, each("This field may not be blank."));
        client.post(REGISTER, all(json!(null))).await.says(400, each("This field may not be null."));
        let mixed = json!({
            "name": ["a"], "email": "a@b", "username": "two words", "password": "123", "password2": "1234",
        });
        client.post(REGISTER, mixed).await.says(400, json!({
            "name": ["Not a valid string."],
            "email": ["Enter a valid email address."],
            "username": ["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."],
            "password": [
                "This password is too short. It must contain at least 8 characters.",
                "This password is too common.",
                "This password is entirely numeric.",
                "Password fields didn't match.",
            ],
        }));
        assert_eq!(app.value("select count(*) from users").await, 0);
    }

    #[tokio::test]
    async fn each_field_has_its_limits() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        for (field, value, message) in [
            ("name", json!("x".repeat(151)), "Ensure this field has no more than 150 characters."),
            ("name", json!("a\0b"), "Null characters are not allowed."),
            ("name", json!(true), "Not a valid string."),
            (
                "email",
                json!(format!("{}@example.com", "x".repeat(300))),
                "Ensure this field has no more than 254 characters.",
            ),
            ("email", json!(7), "Enter a valid email address."),
            ("email", json!([]), "Enter a valid email address."),
            ("username", json!("u".repeat(151)), "Ensure this field has no more than 150 characters."),
            ("username", json!(null), "This field may not be null."),
            ("username", json!(""), "This field may not be blank."),
            ("password", json!("S".repeat(1001)), "Ensure this field has no more than 1000 characters."),
            ("password", json!("a\0bcdefgh"), "Null characters are not allowed."),
        ] {
            let reply = client.post(REGISTER, with(alice(), json!({ field: value }))).await.is(400);
            assert_eq!(reply.body[field][0], message, "{}", reply.text);
        }
        let reply = client.post(REGISTER, with(alice(), json!({"name": 5}))).await.is(201);
        assert_eq!(reply.body["user"]["name"], "5");
    }

    #[tokio::test]
    async fn email_addresses_are_django_s() {
        let app = TestApp::start().await;
        for email in [
            "a@b",
            "a b@example.com",
            "a..b@example.com",
            "@example.com",
            "a@",
            "a@-example.com",
            "a@example.c",
            "a@1.2.3.4",
            "a@example.123",
        ] {
            let reply = app.anonymous().post(REGISTER, with(alice(), json!({ "email": email }))).await;
            reply.says(400, json!({"email": ["Enter a valid email address."]}));
        }
        for email in [
            "a@localhost",
            "a+b@example.com",
            "o'neil@mail.example.org",
            "a@[127.0.0.1]",
            "\"a\\ b\"@example.com",
            "a@xn--bcher-kva.example",
        ] {
            app.anonymous().post(REGISTER, with(alice(), json!({ "email": email }))).await.is(201);
        }
        let reply =
            app.anonymous().post(REGISTER, with(alice(), json!({"email": " Carol@Example.COM "}))).await.is(201);
        assert_eq!(reply.body["user"]["email"], "Carol@example.com");
    }

    #[tokio::test]
    async fn passwords_follow_django_s_four_rules() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        let common = "This password is too common.";
        for (password, messages) in [
            ("aB3$x", vec!["This password is too short. It must contain at least 8 characters."]),
            ("password123", vec![common]),
            ("PassWord123", vec![common]),
            ("9182736450", vec!["This password is entirely numeric."]),
            (
                "123",
                vec![
                    "This password is too short. It must contain at least 8 characters.",
                    common,
                    "This password is entirely numeric.",
                ],
            ),
            ("similarlocal1", vec!["The password is too similar to the email."]),
            ("Wilhelmina%1", vec!["The password is too similar to the name."]),
        ] {
            let body = json!({"name": "Wilhelmina Jones", "email": "similarlocal@example.com", "password": password});
            client.post(REGISTER, body).await.says(400, json!({ "password": messages }));
        }
        let body = json!({"name": "A", "username": "wilhelmina", "email": "a@example.com", "password": "wilhelmina9"});
        client
            .post(REGISTER, body)
            .await
            .says(400, json!({"password": ["The password is too similar to the username."]}));
    }

    #[tokio::test]
    async fn a_repeated_password_must_match_under_any_of_its_names() {
        let app = TestApp::start().await;
        for key in ["password2", "password_confirm", "confirm_password"] {
            let wrong = with(alice(), json!({ key: "StrongPass124" }));
            app.anonymous()
                .post(REGISTER, wrong)
                .await
                .says(400, json!({"password": ["Password fields didn't match."]}));
        }
        let right = with(alice(), json!({"password2": PASSWORD, "confirm_password": PASSWORD}));
        app.anonymous().post(REGISTER, right).await.is(201);
    }

    #[tokio::test]
    async fn both_taken_fields_are_named_whatever_the_case_and_beside_other_faults() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        client.post(REGISTER, with(alice(), json!({"username": "Alice"}))).await.is(201);
        let taken = json!({
            "email": ["user with this email already exists."],
            "username": ["A user with that username already exists."],
        });
        let again = with(alice(), json!({"email": "ALICE@Example.com", "username": "aLICE"}));
        client.post(REGISTER, again.clone()).await.says(400, taken.clone());
        let reply = client.post(REGISTER, with(again, json!({"name": ""}))).await;
        reply.says(400, with(taken, json!({"name": ["This field may not be blank."]})));
    }

    #[tokio::test]
    async fn a_username_with_an_at_is_one_s_own_email() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        let foreign = with(alice(), json!({"username": "bob@example.com"}));
        let message = "A username with an @ must be your own email address.";
        client.post(REGISTER, foreign).await.says(400, json!({"username": [message]}));
        client.post(REGISTER, with(alice(), json!({"username": "Alice@example.com"}))).await.is(201);
    }

    #[tokio::test]
    async fn a_name_is_made_up_of_what_there_is() {
        let app = TestApp::start().await;
        for (sent, name) in [
            (json!({"first_name": "Ada", "last_name": "Lovelace", "username": "ada"}), "Ada Lovelace"),
            (json!({"first_name": "Bob", "email": "b@example.com"}), "Bob"),
            (json!({"username": "carol", "email": "c@example.com"}), "carol"),
        ] {
            let body = with(json!({"email": "ada@example.com", "password": PASSWORD}), sent);
            let reply = app.anonymous().post(REGISTER, body).await.is(201);
            assert_eq!(reply.body["user"]["name"], name);
        }
    }

    #[tokio::test]
    async fn a_name_that_can_not_be_made_up_is_asked_for() {
        let app = TestApp::start().await;
        let account = json!({"email": "ada@example.com", "password": PASSWORD});
        for parts in [json!({"first_name": ""}), json!({"first_name": " ", "last_name": ""})] {
            let reply = app.anonymous().post(REGISTER, with(account.clone(), parts)).await;
            reply.says(400, json!({"name": ["This field is required."]}));
        }
        let long = json!({"first_name": "a".repeat(150), "last_name": "b"});
        let reply = app.anonymous().post(REGISTER, with(account, long)).await;
        reply.says(400, json!({"name": ["Ensure this field has no more than 150 characters."]}));
    }

    #[tokio::test]
    async fn gives_nobody_rights_that_they_ask_for() {
        let app = TestApp::start().await;
        let body =
            with(alice(), json!({"id": 77, "is_staff": true, "is_superuser": true, "is_active": false, "version": 9}));
        let reply = app.anonymous().post(REGISTER, body).await.is(201);
        assert_eq!(reply.body["user"]["id"], 1);
        let rights = app
            .value("select row_to_json(u) from (select is_active, is_staff, is_superuser, version from users) u")
            .await;
        assert_eq!(rights, json!({"is_active": true, "is_staff": false, "is_superuser": false, "version": 1}));
    }

    #[tokio::test]
    async fn one_email_six_times_at_once_is_one_account() {
        let app = TestApp::start().await;
        let attempts: Vec<_> = ["alice", "Alice", "ALICE", "aLICE", "alicE", "AliCe"]
            .into_iter()
            .map(|user| {
                let client = app.anonymous();
                let body = with(alice(), json!({"email": format!("{user}@example.com")}));
                tokio::spawn(async move { client.post(REGISTER, body).await })
            })
            .collect();
        let mut made = 0;
        for attempt in attempts {
            let reply = attempt.await.unwrap();
            if reply.status == 201 {
                made += 1;
            } else {
                reply.says(400, json!({"email": ["user with this email already exists."]}));
            }
        }
        assert_eq!(made, 1);
        assert_eq!(app.value("select count(*) from users").await, 1);
    }
}

mod login {
    use super::*;

    #[tokio::test]
    async fn by_email_or_username_under_either_key_in_any_case() {
        let app = TestApp::start().await;
        app.anonymous().post(REGISTER, with(alice(), json!({"username": "alice"}))).await.is(201);
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
        app.anonymous().post(REGISTER, alice()).await.is(201);
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
        let client = app.anonymous();
        let (required, blank, null) =
            ("This field is required.", "This field may not be blank.", "This field may not be null.");
        for (body, key, message) in [
            (json!({}), "email", required),
            (json!({"email": "", "password": ""}), "email", blank),
            (json!({"username": "", "password": ""}), "username", blank),
            (json!({"email": null, "password": null}), "email", null),
            (json!({"username": null, "password": null}), "username", null),
        ] {
            client.post(LOGIN, body).await.says(400, json!({key: [message], "password": [message]}));
        }
        client.post(LOGIN, json!({"username": "alice"})).await.says(400, json!({"password": [required]}));
        client.post(LOGIN, json!({"password": PASSWORD})).await.says(400, json!({"email": [required]}));
    }

    #[tokio::test]
    async fn is_refused_alike_for_a_wrong_password_an_unknown_user_and_an_inactive_one() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        client.post(REGISTER, alice()).await.is(201);
        client.post(REGISTER, with(alice(), json!({"email": "bob@example.com"}))).await.is(201);
        app.sql("update users set is_active = false where email like 'bob%'").await;
        let refused = |reply: Reply| {
            let reply = reply.says(401, detail("No active account found with the given credentials"));
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\"");
        };
        for email in ["alice@example.com", "nobody@example.com", "not an address", "bob@example.com"] {
            for password in [json!("WrongPass123"), json!(12345)] {
                refused(client.post(LOGIN, json!({"email": email, "password": password})).await);
            }
        }
        refused(client.post(LOGIN, json!({"email": "bob@example.com", "password": PASSWORD})).await);
        refused(client.post(LOGIN, json!({"email": "alice@example.com", "password": format!(" {PASSWORD}")})).await);
        assert_eq!(app.value("select count(*) from sessions").await, 0);
    }

    /// Skipping the hash for any of the three would be ten times faster.
    #[tokio::test]
    async fn takes_as_long_whoever_it_is_refused() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        client.post(REGISTER, alice()).await.is(201);
        client.post(REGISTER, with(alice(), json!({"email": "bob@example.com"}))).await.is(201);
        app.sql("update users set is_active = false where email like 'bob%'").await;
        let users = ["alice@example.com", "bob@example.com", "nobody@example.com"];
        let mut times: [Vec<Duration>; 3] = Default::default();
        for _ in 0..15 {
            for (user, times) in users.iter().zip(&mut times) {
                let begun = Instant::now();
                client.post(LOGIN, json!({"email": user, "password": "WrongPass123"})).await.is(401);
                times.push(begun.elapsed());
            }
        }
        let medians = times.map(|mut times| {
            times.sort();
            times[times.len() / 2]
        });
        let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
        assert!(*most < *least * 3 / 2, "{medians:?}");
    }

    #[tokio::test]
    async fn begins_a_session_that_is_audited_and_is_no_change_of_the_account() {
        let app = TestApp::start().await;
        let client = app.anonymous();
        client.post(REGISTER, alice()).await.is(201);
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
                tokio::spawn(async move { client.post(LOGIN, body).await })
            })
            .collect();
        let mut statuses = Vec::new();
        for attempt in attempts {
            let reply = attempt.await.unwrap();
            if reply.status == 503 {
                assert_eq!(reply.header("retry-after"), "1");
                assert_eq!(reply.body, detail("Service temporarily unavailable, try again later."));
            }
            statuses.push(reply.status.as_u16());
        }
        assert!(statuses.contains(&401) && statuses.contains(&503), "{statuses:?}");
        assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    }
}

mod refresh {
    use super::*;

    async fn pair(app: &TestApp) -> (String, String) {
        app.anonymous().post(REGISTER, alice()).await.is(201);
        let body = json!({"email": "alice@example.com", "password": PASSWORD});
        let pair = app.anonymous().post(LOGIN, body).await.is(200).body;
        (pair["refresh"].as_str().unwrap().into(), pair["access"].as_str().unwrap().into())
    }

    fn invalid(message: &str) -> Value {
        json!({"detail": message, "code": "token_not_valid"})
    }

    #[tokio::test]
    async fn gives_a_new_access_token_again_and_again_under_both_paths() {
        let app = TestApp::start().await;
        let (refresh, _) = pair(&app).await;
        for path in [REFRESH, REFRESH, "/api/auth/refresh/", "/api/auth/refresh", "/api/auth/token/refresh"] {
            let reply = app.anonymous().post(path, json!({"refresh": refresh})).await.is(200);
            assert_eq!(reply.body.as_object().unwrap().len(), 1);
            assert_eq!(reply.header("cache-control"), "no-store");
            app.bearer(reply.body["access"].as_str().unwrap()).get("/api/patients/").await.says(200, json!([]));
        }
    }

    #[tokio::test]
    async fn refuses_what_is_no_good_refresh_token() {
        let app = TestApp::start().await;
        let (refresh, access) = pair(&app).await;
        let client = app.anonymous();
        for (body, message) in [
            (json!({}), "This field is required."),
            (json!({"refresh": ""}), "This field may not be blank."),
            (json!({"refresh": null}), "This field may not be null."),
            (json!({"refresh": []}), "Not a valid string."),
        ] {
            client.post(REFRESH, body).await.says(400, json!({"refresh": [message]}));
        }
        for (token, message) in [
            (json!("garbage"), "Token is invalid"),
            (json!(7), "Token is invalid"),
            (json!(format!("{refresh}x")), "Token is invalid"),
            (json!(access), "Token has wrong type"),
            (json!(signed(SECRET_KEY, json!({"exp": 1, "token_type": "refresh"}))), "Token is expired"),
            (json!(signed(SECRET_KEY, json!({"token_type": "refresh", "exp": null}))), "Token has no 'exp' claim"),
        ] {
            let reply = client.post(REFRESH, json!({"refresh": token})).await.says(401, invalid(message));
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\"");
        }
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
        client.post(REFRESH, json!({"refresh": refresh})).await.says(401, invalid("Token is invalid"));
        app.sql("delete from users").await;
        client.post(REFRESH, json!({"refresh": refresh})).await.says(401, no_account);
    }
}

#[tokio::test]
async fn a_bad_authorization_header_is_ignored_where_no_token_is_needed() {
    let app = TestApp::start().await;
    let client = app.bearer("garbage");
    client.post(REGISTER, alice()).await.is(201);
    let pair = client.post(LOGIN, json!({"email": "alice@example.com", "password": PASSWORD})).await.is(200).body;
    client.post(REFRESH, json!({"refresh": pair["refresh"]})).await.is(200);
}

/// A token with the claims of the first user's first login, and some of them changed: null takes one away.
fn signed(key: &str, changes: Value) -> String {
    signed_as(Algorithm::HS256, key, changes)
}

fn signed_as(algorithm: Algorithm, key: &str, changes: Value) -> String {
    let now = Utc::now().timestamp();
    let claims = json!({
        "token_type": "access", "exp": now + 60, "iat": now, "jti": "0".repeat(32), "user_id": "1", "sid": "1",
    });
    let mut claims = with(claims, changes);
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

mod access {
    use super::*;

    async fn is_401(client: &Client, body: Value) {
        let reply = client.get("/api/patients/").await.says(401, body);
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\"");
        assert_eq!(reply.header("allow"), "GET, POST, HEAD, OPTIONS");
    }

    #[tokio::test]
    async fn needs_two_words_of_which_the_first_is_bearer_in_any_case() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let token = alice.token();
        let none = detail("Authentication credentials were not provided.");
        let bad = json!({
            "detail": "Authorization header must contain two space-delimited values", "code": "bad_authorization_header",
        });
        is_401(&app.anonymous(), none.clone()).await;
        for (header, body) in [
            ("Bearer".to_owned(), bad.clone()),
            (format!("Bearer {token} more"), bad),
            (format!("Token {token}"), none.clone()),
            (format!("JWT {token}"), none.clone()),
            (token.to_owned(), none.clone()),
            ("Basic YWxpY2U6cGFzcw==".to_owned(), none.clone()),
            (String::new(), none),
            ("Bearer garbage".to_owned(), bad_token("Token is invalid")),
        ] {
            let request = app.anonymous().request("GET", "/api/patients/").header("authorization", header);
            Reply::of(request).await.says(401, body);
        }
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let header = format!("{scheme} {token}");
            let request = app.anonymous().request("GET", "/api/patients/").header("authorization", header);
            Reply::of(request).await.says(200, json!([]));
        }
    }

    #[tokio::test]
    async fn needs_a_token_of_ours_with_all_its_claims() {
        let app = TestApp::start().await;
        let alice = app.user("alice").await;
        let now = Utc::now().timestamp();
        app.bearer(&signed(SECRET_KEY, json!({}))).get("/api/patients/").await.says(200, json!([]));
        let (good, no_id) = (
            alice.token().to_owned(),
            json!({
                "detail": "Token contained no recognizable user identification", "code": "token_not_valid",
            }),
        );
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        let payload = good.split('.').nth(1).unwrap();
        for (token, body) in [
            (signed("another key", json!({})), bad_token("Token is invalid")),
            (signed_as(Algorithm::HS512, SECRET_KEY, json!({})), bad_token("Token is invalid")),
            (signed_as(Algorithm::HS384, SECRET_KEY, json!({})), bad_token("Token is invalid")),
            (format!("{none}.{payload}."), bad_token("Token is invalid")),
            (format!("{good}AA"), bad_token("Token is invalid")),
            (good.replace('.', ""), bad_token("Token is invalid")),
            (signed(SECRET_KEY, json!({"exp": now - 1})), bad_token("Token is expired")),
            (signed("another key", json!({"exp": now - 1})), bad_token("Token is invalid")),
            (signed(SECRET_KEY, json!({"exp": "soon"})), bad_token("Token is invalid")),
            (signed(SECRET_KEY, json!({"nbf": now + 60})), bad_token("Token is invalid")),
            (signed(SECRET_KEY, json!({"exp": null})), bad_token("Token has no 'exp' claim")),
            (signed(SECRET_KEY, json!({"jti": null})), bad_token("Token has no id")),
            (signed(SECRET_KEY, json!({"token_type": null})), bad_token("Token has no type")),
            (signed(SECRET_KEY, json!({"token_type": "refresh"})), bad_token("Token has wrong type")),
            (signed(SECRET_KEY, json!({"iat": null})), bad_token("Token is invalid")),
            (signed(SECRET_KEY, json!({"sid": null})), bad_token("Token is invalid")),
            (signed(SECRET_KEY, json!({"sid": "2"})), bad_token("Token is invalid")),
            (signed(SECRET_KEY, json!({"user_id": null})), no_id),
            (
                signed(SECRET_KEY, json!({"user_id": "99"})),
                json!({"detail": "User not found", "code": "user_not_found"}),
            ),
            (
                signed(SECRET_KEY, json!({"user_id": "word"})),
                json!({"detail": "User not found", "code": "user_not_found"}),
            ),
        ] {
            is_401(&app.bearer(&token), body).await;
        }
        app.bearer(&signed(SECRET_KEY, json!({"user_id": 1, "sid": 1}))).get("/api/patients/").await.is(200);
    }

    #[tokio::test]
    async fn is_given_by_tokens_of_an_earlier_key_while_it_is_listed() {
        let app = TestApp::start().await;
        app.user("alice").await;
        app.bearer(&signed(FALLBACK_KEY, json!({}))).get("/api/patients/").await.says(200, json!([]));
    }

    #[tokio::test]
    async fn a_session_is_its_user_s_alone() {
        let app = TestApp::start().await;
        for name in ["alice", "bob"] {
            // an empty list is looked into twice
            app.user(name).await.post("/api/patients/", john_doe()).await.is(201);
        }
        is_401(&app.bearer(&app.token(1, 2)), bad_token("Token is invalid")).await;
        is_401(&app.bearer(&app.token(2, 1)), bad_token("Token is invalid")).await;
    }
}
