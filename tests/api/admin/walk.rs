//! Every page of the admin, tried by the wrong people. The pages are those that the router has.

use std::fs;

use serde_json::{Value, json};

use super::{ADMIN, Browser, account, app, asks_to_log_in, eventually, lists::clinic, staff};

/// What anybody may ask for.
const PUBLIC: [&str; 2] = ["login/", "static/{file}"];

/// Each route of `src/admin/mod.rs`: its path, and whether it takes GET and POST.
fn routes() -> Vec<(String, bool, bool)> {
    let source = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin/mod.rs")).unwrap();
    let lines = source.split(".route(&root.to(\"").skip(1);
    let routes = lines.map(|line| {
        let (path, rest) = line.split_once("\")").unwrap();
        let handlers = rest.split(".route(").next().unwrap();
        (path.to_owned(), handlers.contains("get("), handlers.contains("post("))
    });
    let routes: Vec<_> = routes.collect();
    assert!(routes.len() >= 25, "{routes:?}");
    routes
}

/// Each path for a row of each model.
fn paths() -> Vec<(String, bool, bool)> {
    let mut paths = Vec::new();
    for (path, get, post) in routes().into_iter().filter(|(path, ..)| !PUBLIC.contains(&path.as_str())) {
        for model in ["patients", "doctors", "mappings", "users", "nothing"] {
            let path = path.replace("{model}", model).replace("{id}", "1").replace("{what}", "x");
            paths.push((format!("{ADMIN}{path}"), get, post));
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// All that a wrong request could change.
async fn everything(app: &crate::support::TestApp) -> Value {
    app.value(
        "select jsonb_build_array( \
            (select jsonb_agg(to_jsonb(t) order by id) from patients t), (select jsonb_agg(to_jsonb(t) order by id) from doctors t), \
            (select jsonb_agg(to_jsonb(t) order by id) from patient_doctor_mappings t), \
            (select jsonb_agg(to_jsonb(t) - 'last_login' order by id) from users t), \
            (select count(*) from sessions where ended_at is null))",
    )
    .await
}

#[tokio::test]
async fn nobody_but_staff_gets_any_page_or_changes_anything() {
    let app = app().await;
    clinic(&app).await;
    account(&app, "eve", &[]).await;
    let plain = app.anonymous().logged_in("eve@example.com").await;
    let mut ended = staff(&app).await;
    app.sql("update sessions set ended_at = now() where user_id = (select id from users where username = 'sam')").await;
    let mut former = Browser::new(&app).logged_in("sam").await;
    app.sql("update users set is_staff = false").await;
    let before = everything(&app).await;
    let mut stranger = Browser::new(&app);
    let form = [
        ("action", "delete"),
        ("sure", "1"),
        ("id", "1"),
        ("password", "StrongerPass456"),
        ("password2", "StrongerPass456"),
    ];
    for (path, get, post) in paths() {
        for browser in [&mut stranger, &mut ended, &mut former] {
            if get {
                asks_to_log_in(&browser.get(&path).await, &path);
            }
            if post {
                asks_to_log_in(&browser.post(&path, &form).await, ADMIN);
            }
        }
        if get {
            asks_to_log_in(&plain.get(&path).await, &path);
        }
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing_on_any_page() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let before = everything(&app).await;
    let form = [("action", "delete"), ("sure", "1"), ("id", "1")];
    for (path, _, post) in paths() {
        if post {
            sam.send("POST", &path, Some(&form), &[("sec-fetch-site", "cross-site")]).await.is(403);
        }
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn staff_get_every_page_there_is_and_what_they_read_is_in_the_log() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    for (path, get, _) in paths() {
        if !get {
            continue;
        }
        let status = sam.get(&path).await.status.as_u16();
        let is_none = path.contains("/nothing/") || path.ends_with("/x/") || path.contains("/pick/");
        let is_users = path.ends_with("/password/") && path.contains("/1/") && !path.contains("/users/");
        let expected: &[u16] = match () {
            () if !path.ends_with('/') => &[308],
            () if is_none || is_users => &[404],
            () if path.ends_with("/1/") => &[303],
            () => &[200],
        };
        assert!(expected.contains(&status), "{path}: {status}");
    }
    let reads = "select jsonb_agg(distinct jsonb_build_array(actor_email, via, p) order by jsonb_build_array(actor_email, via, p)) \
        from access_log, unnest(patient_ids) p where via = 'admin'";
    let expected = json!([["sam@example.com", "admin", 1], ["sam@example.com", "admin", 2]]);
    eventually(&app, reads, expected).await;
}

#[tokio::test]
async fn each_page_that_shows_a_patient_says_so_in_the_log() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    for path in [
        "patients/",
        "patients/export/",
        "patients/suggest/?q=doe",
        "patients/1/change/",
        "patients/1/history/",
        "patients/1/delete/",
        "doctors/1/change/",
        "doctors/1/delete/",
        "mappings/",
        "mappings/1/change/",
        "mappings/1/history/",
        "users/1/change/",
        "users/1/delete/",
        "search/?q=doe",
        "changes/?table=patients",
        "changes/?table=mappings",
    ] {
        let request = sam.get(&format!("{ADMIN}{path}")).await.is(200).header("x-request-id").to_owned();
        let read = format!("select bool_or(1 = any(patient_ids)) from access_log where request_id = '{request}'");
        eventually(&app, &read, json!(true)).await;
    }
}
