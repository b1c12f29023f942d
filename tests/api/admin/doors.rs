//! In and out of the admin.

use std::time::{Duration, Instant};

use healthcare_backend::config::{Exposure, Throttles};
use reqwest::header::SET_COOKIE;
use serde_json::json;

use super::{ADMIN, ADMIN_LOGIN, Browser, account, app, asks_to_log_in, exposure, hides, root, shows, staff};
use crate::support::{PASSWORD, TestApp};

const REFUSED: &str = "Please enter the correct e-mail or username and password of a staff account.";

#[tokio::test]
async fn a_stranger_is_sent_to_the_login_and_back_to_the_page_that_they_asked_for() {
    let app = app().await;
    account(&app, "sam", &["is_staff"]).await;
    let mut browser = Browser::new(&app);
    asks_to_log_in(&browser.get("/admin/patients/?q=x&page=2").await, "/admin/patients/?q=x&page=2");
    asks_to_log_in(&browser.get("/admin/nowhere/").await, "/admin/nowhere/");
    let page = browser.get("/admin/login/?next=%2Fadmin%2Fpassword%2F").await.is(200);
    shows(&page, r#"<input type="hidden" name="next" value="/admin/password/">"#);
    let form = [("username", "SAM@example.com"), ("password", PASSWORD), ("next", "/admin/password/")];
    let reply = browser.post(ADMIN_LOGIN, &form).await.is(303);
    assert_eq!(reply.header("location"), "/admin/password/");
    shows(&browser.get("/admin/password/").await.is(200), "sam@example.com");
    assert_eq!(browser.get("/admin/login/").await.is(303).header("location"), ADMIN);
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_after_the_login() {
    let app = app().await;
    account(&app, "sam", &["is_staff"]).await;
    for next in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/admin/\\evil.example",
        "/admin//evil.example/",
        "/admin/..//evil.example/",
        "/admin/%2e%2e/%2e%2e/api/",
        "/admin/%2E./evil",
        "/admin/%2f%2fevil.example/",
        "/admin/\n/evil",
        "javascript:alert(1)",
        "/administrator/",
        "/api/patients/",
        "",
    ] {
        let form = [("username", "sam"), ("password", PASSWORD), ("next", next)];
        let reply = Browser::new(&app).post(ADMIN_LOGIN, &form).await.is(303);
        assert_eq!(reply.header("location"), ADMIN, "{next:?}");
    }
}

#[tokio::test]
async fn the_same_words_refuse_a_wrong_password_an_unknown_name_and_who_is_no_staff() {
    let app = app().await;
    account(&app, "alice", &[]).await;
    account(&app, "super", &["is_superuser"]).await;
    account(&app, "sam", &["is_staff"]).await;
    account(&app, "gone", &["is_staff"]).await;
    app.sql("update users set is_active = false where username = 'gone'").await;
    let mut pages = Vec::new();
    for (name, password) in
        [("sam", "WrongPass123"), ("nobody", PASSWORD), ("alice", PASSWORD), ("super", PASSWORD), ("gone", PASSWORD)]
    {
        let reply = Browser::new(&app).post(ADMIN_LOGIN, &[("username", name), ("password", password)]).await.is(400);
        assert!(reply.headers.get(SET_COOKIE).is_none());
        shows(&reply, REFUSED);
        pages.push(reply.text.replace(&format!("value=\"{name}\""), ""));
    }
    assert!(pages.iter().all(|page| page == &pages[0]), "{pages:#?}");
    let failed = app.value(
        "select jsonb_agg(jsonb_build_array(via, event, actor_email) order by id) from audit_log where action = 'EVENT'",
    );
    let failed_with = |email: Option<&str>| json!(["admin", "login_failed", email]);
    assert_eq!(
        failed.await,
        json!([
            failed_with(Some("sam@example.com")),
            failed_with(None),
            failed_with(Some("alice@example.com")),
            failed_with(Some("super@example.com")),
            failed_with(Some("gone@example.com")),
        ])
    );
}

#[tokio::test]
async fn who_is_no_staff_waits_as_long_as_who_has_a_wrong_password() {
    let app = TestApp::with(exposure()).await;
    account(&app, "alice", &[]).await;
    account(&app, "sam", &["is_staff"]).await;
    let mut times: [Vec<Duration>; 2] = Default::default();
    for _ in 0..15 {
        for (index, form) in
            [[("username", "sam"), ("password", "WrongPass123")], [("username", "alice"), ("password", PASSWORD)]]
                .iter()
                .enumerate()
        {
            let begun = Instant::now();
            Browser::new(&app).post(ADMIN_LOGIN, form).await.is(400);
            times[index].push(begun.elapsed());
        }
    }
    let [wrong, no_staff] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    assert!((wrong / no_staff - 1.0).abs() < 0.4, "{wrong} {no_staff}");
}

#[tokio::test]
async fn logins_that_fail_too_often_wait_here_and_at_the_api_together() {
    let throttles = Throttles { login: Some("3/hour".parse().unwrap()), ..Throttles::default() };
    let app = TestApp::with(Exposure { throttles, ..exposure() }).await;
    account(&app, "sam", &["is_staff"]).await;
    let wrong = json!({"username": "sam", "password": "WrongPass123"});
    app.anonymous().post("/api/auth/login/", wrong.clone()).await.is(401);
    let mut browser = Browser::new(&app);
    for _ in 0..2 {
        browser.post(ADMIN_LOGIN, &[("username", "sam"), ("password", "WrongPass123")]).await.is(400);
    }
    let reply = browser.post(ADMIN_LOGIN, &[("username", "sam"), ("password", PASSWORD)]).await.is(429);
    shows(&reply, "Too many logins have failed. Wait ");
    assert!(reply.header("retry-after").parse::<u64>().unwrap() > 60);
    app.anonymous().post("/api/auth/login/", wrong).await.is(429);
}

#[tokio::test]
async fn a_login_is_a_session_like_any_other_and_of_its_cookie_only_a_hash_is_kept() {
    let app = app().await;
    let sam = staff(&app).await;
    let (name, cookie) = sam.cookies[0].clone();
    assert_eq!((name.as_str(), cookie.len()), ("healthcare_admin", 43));
    let kept = app.value("select jsonb_agg(to_jsonb(c)::text || to_jsonb(s)::text) from admin_cookies c, sessions s");
    let audited = app.value("select jsonb_agg(to_jsonb(a)) from audit_log a");
    for kept in [kept.await.to_string(), audited.await.to_string()] {
        assert!(!kept.contains(&cookie), "{kept}");
    }
    let is_hash =
        format!("select hash = sha256(decode(translate('{cookie}', '-_', '+/') || '=', 'base64')) from admin_cookies");
    assert_eq!(app.value(&is_hash).await, json!(true));
    let client = app.anonymous().logged_in("sam@example.com").await;
    let sessions = client.get("/api/auth/sessions/").await.is(200).body;
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    let event = app.value(
        "select jsonb_agg(jsonb_build_array(via, event, actor_email)) from audit_log where table_name = 'sessions' and via = 'admin'",
    );
    assert_eq!(event.await, json!([["admin", "login", "sam@example.com"]]));
    // it is ended from the API
    let mut sam = sam;
    sam.get(ADMIN).await.is(200);
    client.delete(&format!("/api/auth/sessions/{}/", sessions[1]["id"])).await.is(204);
    asks_to_log_in(&sam.get(ADMIN).await, ADMIN);
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites_and_behind_https_from_plain_connections() {
    let app = app().await;
    account(&app, "sam", &["is_staff"]).await;
    let form = [("username", "sam"), ("password", PASSWORD)];
    let trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let behind_proxy = app.beside(Exposure { trusted_proxies, ..exposure() }).await;
    for (app, headers, expected) in [
        (&app, vec![], "; Path=/admin/; HttpOnly; SameSite=Lax"),
        (&behind_proxy, vec![("x-forwarded-proto", "https")], "; Path=/admin/; HttpOnly; SameSite=Lax; Secure"),
        // anybody can write that
        (&app, vec![("x-forwarded-proto", "https")], "; Path=/admin/; HttpOnly; SameSite=Lax"),
        (
            &app,
            vec![("origin", "https://clinic.example"), ("host", "clinic.example")],
            "; Path=/admin/; HttpOnly; SameSite=Lax; Secure",
        ),
    ] {
        let reply = Browser::new(app).send("POST", ADMIN_LOGIN, Some(&form), &headers).await.is(303);
        let cookie = reply.header("set-cookie");
        assert_eq!(cookie.split_once(';').map(|(_, rest)| format!(";{rest}")).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn what_is_said_on_the_next_page_is_kept_without_a_name() {
    let app = app().await;
    let mut sam = staff(&app).await;
    let form = [("first_name", "Jane"), ("last_name", "Secret"), ("specialty", "S")];
    for (origin, secure) in [("http://127.0.0.1", ""), ("https://clinic.example", "; Secure")] {
        let headers = [("origin", origin), ("sec-fetch-site", "same-origin")];
        let reply = sam.send("POST", "/admin/doctors/add/", Some(&form), &headers).await.is(303);
        let id = app.value("select max(id) from doctors").await;
        let expected = format!(
            "healthcare_admin_notice=added.doctors.{id}.0; Path=/admin/; Max-Age=60; HttpOnly; SameSite=Lax{secure}"
        );
        assert_eq!(reply.header("set-cookie"), expected);
        shows(&sam.get(ADMIN).await.is(200), "The doctor “Jane Secret” was added.");
        hides(&sam.get(ADMIN).await.is(200), "was added.");
    }
    for forged in ["x", "added.nothing.1.0", "added.doctors.x.0", "added.doctors.999.0", "<b>.<b>.1.1"] {
        sam.cookies.push(("healthcare_admin_notice".into(), forged.into()));
        sam.get(ADMIN).await.is(200);
        sam.cookies.retain(|(name, _)| name != "healthcare_admin_notice");
    }
}

#[tokio::test]
async fn a_login_ends_with_the_account_the_right_and_the_password_at_once_and_does_not_come_back() {
    let app = app().await;
    account(&app, "sam", &["is_staff"]).await;
    for (ends, back) in [
        ("update users set is_active = false", "update users set is_active = true"),
        ("update users set is_staff = false", "update users set is_staff = true"),
        (
            "update users set password_hash = 'x' || password_hash",
            "update users set password_hash = substr(password_hash, 2)",
        ),
        ("update sessions set ended_at = now()", "select 1"),
        ("update sessions set expires_at = now()", "select 1"),
    ] {
        let mut sam = Browser::new(&app).logged_in("sam").await;
        sam.get(ADMIN).await.is(200);
        app.sql(ends).await;
        asks_to_log_in(&sam.get(ADMIN).await, ADMIN);
        asks_to_log_in(&sam.post("/admin/logout/", &[]).await, ADMIN);
        app.sql(back).await;
        asks_to_log_in(&sam.get(ADMIN).await, ADMIN);
    }
}

#[tokio::test]
async fn a_login_goes_on_for_half_an_hour_after_its_use_and_for_twelve_hours_at_most() {
    let app = app().await;
    let mut sam = staff(&app).await;
    let left = "select extract(epoch from expires_at - now()) / 60 from sessions";
    let minutes = async |app: &TestApp| app.value(left).await.as_f64().unwrap();
    assert!((29.0..=30.0).contains(&minutes(&app).await));
    app.sql("update sessions set last_used_at = now() - interval '20 min', expires_at = now() + interval '10 min'")
        .await;
    sam.get(ADMIN).await.is(200);
    assert!((29.0..=30.0).contains(&minutes(&app).await));
    app.sql("update sessions set created_at = now() - interval '700 min', last_used_at = now() - interval '2 min'")
        .await;
    sam.get(ADMIN).await.is(200);
    assert!((19.0..=20.0).contains(&minutes(&app).await));
    app.sql("update sessions set created_at = now() - interval '721 min', last_used_at = now() - interval '2 min'")
        .await;
    sam.get("/admin/password/").await;
    asks_to_log_in(&sam.get(ADMIN).await, ADMIN);
}

#[tokio::test]
async fn who_logs_out_is_out_and_only_by_post() {
    let app = app().await;
    let mut sam = staff(&app).await;
    sam.get("/admin/logout/").await.is(405);
    sam.get(ADMIN).await.is(200);
    let cookies = sam.cookies.clone();
    let page = sam.submit("/admin/logout/", &[]).await;
    shows(&page, "You are logged out.");
    hides(&page, "sam@example.com");
    asks_to_log_in(&sam.get(ADMIN).await, ADMIN);
    sam.cookies = cookies;
    asks_to_log_in(&sam.get(ADMIN).await, ADMIN);
    let last = app.value("select jsonb_build_array(via, event) from audit_log order by id desc limit 1");
    assert_eq!(last.await, json!(["admin", "logout"]));
}

#[tokio::test]
async fn neither_a_token_of_the_api_opens_the_admin_nor_its_cookie_the_api() {
    let app = app().await;
    let mut root = root(&app).await;
    let token = app.anonymous().logged_in("root@example.com").await;
    asks_to_log_in(&token.get(ADMIN).await, ADMIN);
    root.get("/api/patients/").await.is(401);
    for cookie in ["", "x", &"A".repeat(43), &"A".repeat(42)] {
        root.cookies = vec![("healthcare_admin".into(), cookie.into())];
        asks_to_log_in(&root.get(ADMIN).await, ADMIN);
    }
}

#[tokio::test]
async fn a_form_of_another_site_is_refused_and_a_link_of_another_site_works() {
    let app = app().await;
    let mut sam = staff(&app).await;
    let form: &[(&str, &str)] = &[];
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("origin", "https://evil.example")],
        [("origin", "null")],
    ] {
        let reply = sam.send("POST", "/admin/logout/", Some(form), &headers).await.is(403);
        shows(&reply, "This form was sent from another site, so nothing was done.");
        sam.send("GET", ADMIN, None, &headers).await.is(200);
    }
    sam.post("/admin/logout/", form).await.is(303);
}
