//! Passwords that Django hashed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, LOGIN, ME, PASSWORD, TestApp};

/// What `make_password("StrongPass123", hasher=…)` of Django 5.2.19 made, with its default settings.
const HASHES: [&str; 6] = [
    "pbkdf2_sha256$1000000$DVl0FiGsionyJ9vX97QjMD$ZpVYRSXQ2M0wph4YhJYSihxfkNjhGvur3f8AYwtCBxU=",
    "pbkdf2_sha1$1000000$9RtiQ75HVX6qrxbQbZZyIM$f8Iko+AHPvgfxVCuThx5B13LpXk=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$MnRzNVNzRVlvRE50QkxRZnNTRExESg$ZtnrBpeGmo3s7I8L5OePhGSg8s+bAkptqq1O2pMgeuM",
    "bcrypt_sha256$$2b$12$X0Isw3vKmQ.pWNacOaUrZeWKV7gfLVbm9LOvT.slaAPlB6eoVQAyi",
    "bcrypt$$2b$12$zAdFSuR98QB6BJ54jQr.lOQ24hg8vVsVcKLoFJurnSvnLYa47LAmC",
    "scrypt$16384$Mnx3a25a3HOfNWPhaQl9IQ$8$5$EWcsDX/rrJ/JADoaiE5IDDYq3vfo+shRHFhFhLAtaaP/7IdKqMcQiUGFIcyzSZYNLMVdRPfLVD1G2Tk69pPAMA==",
];

/// Registers a user, whose password is then stored as this hash. It is no other password, so the login goes on.
async fn with_hash(app: &TestApp, hash: &str) -> Client {
    let alice = app.user("alice").await;
    app.sql(&format!("select about('password_upgraded'); update users set password_hash = '{hash}'")).await;
    alice
}

fn credentials(password: &str) -> Value {
    json!({"email": "alice@example.com", "password": password})
}

async fn stored(app: &TestApp) -> String {
    app.value("select password_hash from users").await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_hash_of_django_s_verifies_and_is_renewed_when_its_user_logs_in() {
    for hash in HASHES {
        let app = TestApp::start().await;
        let alice = with_hash(&app, hash).await;
        let somebody = app.anonymous();
        somebody.post(LOGIN, credentials("StrongPass124")).await.is(401);
        assert_eq!(stored(&app).await, hash);
        somebody.post(LOGIN, credentials(PASSWORD)).await.is(200);
        let renewed = stored(&app).await;
        assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}: {renewed}");
        somebody.post(LOGIN, credentials(PASSWORD)).await.is(200);
        somebody.post(LOGIN, credentials("StrongPass124")).await.is(401);
        assert_eq!(stored(&app).await, renewed);
        // the other login of the account goes on
        alice.get(ME).await.is(200);
    }
}

#[tokio::test]
async fn a_renewed_hash_is_in_the_audit_as_no_change_by_its_user() {
    let app = TestApp::start().await;
    with_hash(&app, HASHES[2]).await;
    app.anonymous().post(LOGIN, credentials(PASSWORD)).await.is(200);
    let audit = app.value(
        "select jsonb_agg(jsonb_build_array(actor_id, actor_email, via, event, address, new_values) order by id desc)
         from audit_log where table_name = 'users' and action = 'UPDATE'",
    );
    let changed = json!({"password_hash": "********"});
    assert_eq!(audit.await[0], json!([0, "system", "system", "password_upgraded", "127.0.0.1", changed]));
}

#[tokio::test]
async fn logins_at_once_all_succeed() {
    let app = TestApp::start().await;
    with_hash(&app, HASHES[2]).await;
    let logins: Vec<_> = (0..4)
        .map(|_| {
            let somebody = app.anonymous();
            tokio::spawn(async move { somebody.post(LOGIN, credentials(PASSWORD)).await })
        })
        .collect();
    for login in logins {
        login.await.unwrap().is(200);
    }
}

#[tokio::test]
async fn a_password_that_django_hashed_can_be_changed() {
    let app = TestApp::start().await;
    let alice = with_hash(&app, HASHES[0]).await;
    let change = |old: &str| json!({"old_password": old, "new_password": "AnotherPass456"});
    let path = "/api/auth/password/change/";
    let wrong = "Your old password was entered incorrectly. Please enter it again.";
    alice.post(path, change("StrongPass124")).await.says(400, json!({"old_password": [wrong]}));
    alice.post(path, change(PASSWORD)).await.says(200, json!({}));
    app.anonymous().post(LOGIN, credentials("AnotherPass456")).await.is(200);
}

#[tokio::test]
async fn a_hash_that_is_unusable_damaged_or_too_costly_never_verifies_and_takes_no_longer() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let nothing = "";
    for hash in [
        nothing,
        "!",
        "!7Ug7rV6b5W0hLUbLeuwJqHQ5fokwGd9edLfbKeSA",
        "StrongPass123",
        "md5$salt$d0b0f2a1b3d1a5d2c1e4f6a7b8c9d0e1",
        "pbkdf2_sha256$1000000$salt$",
        // the right one, but for its end
        "pbkdf2_sha256$1000000$DVl0FiGsionyJ9vX97QjMD$ZpVY",
        "pbkdf2_sha256$0$salt$ZpVYRSXQ2M0wph4YhJYSihxfkNjhGvur3f8AYwtCBxU=",
        "pbkdf2_sha256$10000001$salt$ZpVYRSXQ2M0wph4YhJYSihxfkNjhGvur3f8AYwtCBxU=",
        "pbkdf2_sha256$99999999999$salt$ZpVYRSXQ2M0wph4YhJYSihxfkNjhGvur3f8AYwtCBxU=",
        "bcrypt$$2b$16$zAdFSuR98QB6BJ54jQr.lOQ24hg8vVsVcKLoFJurnSvnLYa47LAmC",
        "bcrypt_sha256$$2b$31$X0Isw3vKmQ.pWNacOaUrZeWKV7gfLVbm9LOvT.slaAPlB6eoVQAyi",
        "scrypt$1073741824$salt$8$5$EWcsDX/rrJ/JADoaiE5IDDYq3vfo+shRHFhFhLAtaaP/7IdKqMcQiUGFIcyzSZYNLMVdRPfLVD1G2Tk69pPAMA==",
        "scrypt$16384$salt$8$4294967295$EWcsDX/rrJ/JADoaiE5IDDYq3vfo+shRHFhFhLAtaaP/7IdKqMcQiUGFIcyzSZYNLMVdRPfLVD1G2Tk69pPAMA==",
        "scrypt$16384$salt$4294967295$4294967295$EWcsDX/rrJ/JADoaiE5IDDYq3vfo+shRHFhFhLAtaaP/7IdKqMcQiUGFIcyzSZYNLMVdRPfLVD1G2Tk69pPAMA==",
        "argon2$argon2id$v=19$m=4194304,t=2,p=8$MnRzNVNzRVlvRE50QkxRZnNTRExESg$ZtnrBpeGmo3s7I8L5OePhGSg8s+bAkptqq1O2pMgeuM",
        "argon2$argon2id$v=19$m=102400,t=4294967295,p=8$MnRzNVNzRVlvRE50QkxRZnNTRExESg$ZtnrBpeGmo3s7I8L5OePhGSg8s+bAkptqq1O2pMgeuM",
        "$argon2id$v=19$m=4194304,t=2,p=1$MnRzNVNzRVlvRE50QkxRZnNTRExESg$ZtnrBpeGmo3s7I8L5OePhGSg8s+bAkptqq1O2pMgeuM",
    ] {
        app.sql(&format!("update users set password_hash = '{hash}'")).await;
        let begun = Instant::now();
        for password in [PASSWORD, hash, "!"] {
            let expected = if password.is_empty() { 400 } else { 401 };
            app.anonymous().post(LOGIN, credentials(password)).await.is(expected);
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{hash}: {:?}", begun.elapsed());
        assert_eq!(stored(&app).await, hash);
    }
}
