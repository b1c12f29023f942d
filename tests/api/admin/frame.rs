//! What holds for every page, one's own password, and where the admin is.

use healthcare_backend::config::{AdminPath, Exposure};
use serde_json::json;

use super::{ADMIN, ADMIN_LOGIN, Browser, account, app, asks_to_log_in, hides, shows, staff};
use crate::{
    config::url,
    support::{
        Client, PASSWORD, SECRET_KEY, TestApp,
        program::{Directory, Program, program},
    },
};

#[tokio::test]
async fn pages_are_kept_out_of_caches_and_frames_and_run_nothing_inline() {
    let app = app().await;
    let mut sam = staff(&app).await;
    for path in [ADMIN, "/admin/nowhere/", "/admin/password/"] {
        let page = sam.get(path).await;
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-frame-options"), "DENY");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for inline in ["<style", " style=", " onclick=", "<script>"] {
            hides(&page, inline);
        }
        let script = page.text.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
        let file = Browser::new(&app).get(script).await.is(200);
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
    }
    Browser::new(&app).get("/admin/static/../admin.css").await;
    Browser::new(&app).get("/admin/static/nothing.css").await.is(404);
}

#[tokio::test]
async fn one_s_own_password_is_changed_with_the_old_one_and_other_logins_end() {
    let app = app().await;
    let mut sam = staff(&app).await;
    let mut other = Browser::new(&app).logged_in("sam").await;
    let form = |old, new, repeated| [("old_password", old), ("new_password", new), ("repeated", repeated)];
    let path = "/admin/password/";
    let page = sam.post(path, &form("WrongPass123", "StrongerPass456", "StrongerPass456")).await.is(400);
    shows(&page, "Your old password was entered incorrectly. Please enter it again.");
    let page = sam.post(path, &form(PASSWORD, "short", "shorter")).await.is(400);
    shows(&page, "This password is too short. It must contain at least 8 characters.");
    shows(&page, "The two passwords are different.");
    other.get(ADMIN).await.is(200);
    let page = sam.submit(path, &form(PASSWORD, "StrongerPass456", "StrongerPass456")).await;
    shows(&page, "Your password is changed.");
    hides(&sam.get(ADMIN).await.is(200), "Your password is changed.");
    asks_to_log_in(&other.get(ADMIN).await, ADMIN);
}

#[tokio::test]
async fn the_admin_is_where_the_settings_put_it_or_nowhere() {
    let app = TestApp::start().await;
    account(&app, "sam", &["is_staff"]).await;
    for path in [ADMIN, ADMIN_LOGIN, "/admin/patients/", "/admin"] {
        app.anonymous().get(path).await.says(404, json!({"detail": "Not found."}));
    }
    let moved: AdminPath = "back-office/desk".parse().unwrap();
    let app = app.beside(Exposure { admin_path: Some(moved), ..Exposure::default() }).await;
    app.anonymous().get(ADMIN).await.is(404);
    let mut browser = Browser::new(&app);
    let reply = browser.get("/back-office/desk").await.is(303);
    assert_eq!(reply.header("location"), "/back-office/desk/login/?next=%2Fback-office%2Fdesk");
    let reply = browser.post("/back-office/desk/login/", &[("username", "sam"), ("password", PASSWORD)]).await.is(303);
    assert_eq!(reply.header("location"), "/back-office/desk/");
    assert_eq!(browser.get("/back-office/desk").await.is(308).header("location"), "/back-office/desk/");
    let page = browser.get("/back-office/desk/").await.is(200);
    shows(&page, r#"action="/back-office/desk/logout/""#);
    hides(&page, "\"/admin/");
    for wrong in ["", "/", "/api/", "api/admin", "a b", "/../", "/ädmin/", "/{id}/"] {
        assert!(wrong.parse::<AdminPath>().is_err(), "{wrong:?}");
    }
}

#[tokio::test]
async fn the_settings_say_where_the_admin_is_and_the_server_prints_it() {
    let (app, dir) = (TestApp::start().await, Directory::new());
    let url = url(&app);
    let database = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET_KEY)];
    for (settings, expected) in [
        ([].as_slice(), Some("/admin/")),
        (&[("ADMIN_PATH", "back-office")], Some("/back-office/")),
        (&[("ADMIN", "False")], None),
    ] {
        let server = Program::start(dir.path(), &[database.as_slice(), settings].concat());
        let printed = server.printed.lines().find_map(|line| line.strip_prefix("Admin ")).map(str::trim);
        let at = expected.map(|path| format!("{}{path}", server.address));
        assert_eq!(printed, at.as_deref());
        let status = Client::at(&server.address).get("/admin/login/").await.status.as_u16();
        assert_eq!(status, if expected == Some("/admin/") { 200 } else { 404 });
        server.stop();
    }
    let settings = [database.as_slice(), &[("ADMIN", "maybe"), ("ADMIN_PATH", "/api/admin/")]].concat();
    let output = program(dir.path(), &["serve"], &settings).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    shows_text(&said, "ADMIN is \"maybe\", which is neither True nor False");
    shows_text(&said, "ADMIN_PATH is \"/api/admin/\", which is not a path such as /admin/ outside /api/");
}

#[track_caller]
fn shows_text(said: &str, text: &str) {
    assert!(said.contains(text), "no {text:?} in {said}");
}
