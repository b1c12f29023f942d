//! What staff may do, and what only superusers may; and that nobody is left out of the log.

use serde_json::json;

use super::{ADMIN, Browser, account, app, asks_to_log_in, lists::clinic, root, shows, staff};
use crate::{
    operator::waiting_for_a_lock,
    support::{PASSWORD, TestApp},
};

const FOR_SUPERUSERS: &str = "Only superusers change accounts of staff, and make staff or superusers of others.";
const LAST_SUPERUSER: &str = "This is the last active superuser: make another one first.";

/// The form of an account that is as it was, but for some changes.
async fn change(browser: &mut Browser, id: i64, changes: &[(&str, &str)]) -> crate::support::Reply {
    let path = format!("/admin/users/{id}/change/");
    let page = browser.get(&path).await.is(200);
    if !page.text.contains("name=\"version\"") {
        // a page to be read, to which somebody sends a form all the same
        let plain = [("version", "1"), ("email", "x@example.com"), ("name", "X"), ("is_active", "true")];
        return browser.post(&path, &[plain.as_slice(), changes].concat()).await;
    }
    let value = |name: &str| {
        let input = page.text.split(&format!("<input id=\"{name}\"")).nth(1).unwrap().split('>').next().unwrap();
        let text = input.split("value=\"").nth(1).unwrap_or_default().split('"').next().unwrap().to_owned();
        (!input.contains("checkbox") || input.contains("checked")).then_some(text)
    };
    let version = page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut form = vec![("version", version.to_owned())];
    for name in ["email", "username", "name", "is_active", "is_staff", "is_superuser"] {
        let other = changes.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        form.extend(other.or_else(|| value(name)).filter(|text| text != "off").map(|text| (name, text)));
    }
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post(&path, &form).await
}

async fn user(app: &TestApp, name: &str) -> serde_json::Value {
    let query =
        format!("select jsonb_build_array(is_active, is_staff, is_superuser) from users where username = '{name}'");
    app.value(&query).await
}

async fn id(app: &TestApp, name: &str) -> i64 {
    app.value(&format!("select id from users where username = '{name}'")).await.as_i64().unwrap()
}

#[tokio::test]
async fn staff_change_plain_accounts_and_nobody_s_rights() {
    let app = app().await;
    for (name, ranks) in [("alice", &[][..]), ("steve", &["is_staff"]), ("super", &["is_superuser"])] {
        account(&app, name, ranks).await;
    }
    let mut sam = staff(&app).await;
    let (alice, steve, super_) = (id(&app, "alice").await, id(&app, "steve").await, id(&app, "super").await);
    change(&mut sam, alice, &[("name", "Alice Smith")]).await.is(303);
    for raise in ["is_staff", "is_superuser"] {
        let page = change(&mut sam, alice, &[(raise, "true"), ("name", "Alice Jones")]).await.is(403);
        shows(&page, FOR_SUPERUSERS);
        shows(&page, "value=\"Alice Jones\"");
    }
    assert_eq!(user(&app, "alice").await, json!([true, false, false]));
    let own = id(&app, "sam").await;
    for id in [steve, super_, own] {
        shows(&change(&mut sam, id, &[("name", "X")]).await.is(403), FOR_SUPERUSERS);
        shows(&change(&mut sam, id, &[("is_superuser", "true")]).await.is(403), FOR_SUPERUSERS);
        shows(&change(&mut sam, id, &[("is_staff", "false")]).await.is(403), FOR_SUPERUSERS);
        shows(&sam.get(&format!("/admin/users/{id}/delete/")).await.is(403), FOR_SUPERUSERS);
        shows(&sam.post(&format!("/admin/users/{id}/delete/"), &[]).await.is(403), FOR_SUPERUSERS);
        let password = [("password", "StrongerPass456"), ("password2", "StrongerPass456")];
        if id != own {
            shows(&sam.get(&format!("/admin/users/{id}/password/")).await.is(403), FOR_SUPERUSERS);
            shows(&sam.post(&format!("/admin/users/{id}/password/"), &password).await.is(403), FOR_SUPERUSERS);
            shows(&sam.post(&format!("/admin/users/{id}/sessions/end/"), &[]).await.is(403), FOR_SUPERUSERS);
        }
    }
    // one who may not go keeps the others
    let chosen = [("action", "delete"), ("sure", "1"), ("id", &*alice.to_string()), ("id", &*steve.to_string())];
    shows(&sam.post("/admin/users/", &chosen).await.is(403), FOR_SUPERUSERS);
    assert_eq!(app.value("select count(*) from users").await, json!(4));
    change(&mut sam, alice, &[("is_active", "off")]).await.is(303);
    assert_eq!(user(&app, "alice").await, json!([false, false, false]));
    sam.post(&format!("/admin/users/{alice}/delete/"), &[]).await.is(303);
}

#[tokio::test]
async fn what_staff_may_not_change_is_shown_without_what_changes_it() {
    let app = app().await;
    for (name, ranks) in [("alice", &[][..]), ("steve", &["is_staff"])] {
        account(&app, name, ranks).await;
    }
    let (mut sam, mut root) = (staff(&app).await, root(&app).await);
    let (alice, steve, own) = (id(&app, "alice").await, id(&app, "steve").await, id(&app, "sam").await);
    let buttons = ["Save</button>", ">Delete</a>", ">Set password</a>", "End all logins"];
    app.anonymous().logged_in("steve@example.com").await;
    app.anonymous().logged_in("alice@example.com").await;
    let page = sam.get(&format!("/admin/users/{steve}/change/")).await.is(200);
    shows(&page, "You may look at this user.");
    shows(&page, "<dt>E-mail</dt><dd>steve@example.com</dd>");
    shows(&page, "<dt>Staff</dt><dd>Yes</dd>");
    for button in buttons {
        super::hides(&page, button);
    }
    for (browser, id) in [(&mut sam, alice), (&mut root, steve)] {
        let page = browser.get(&format!("/admin/users/{id}/change/")).await.is(200);
        for button in buttons {
            shows(&page, button);
        }
    }
    // one's own password has a page of its own
    let path = format!("/admin/users/{own}/change/");
    let page = sam.get(&path).await.is(200);
    shows(&page, r#"<a href="/admin/password/">Change password</a>"#);
    shows(&page, "End all logins");
    super::hides(&page, "Set password");
    let path = format!("/admin/users/{own}/password/");
    assert_eq!(sam.get(&path).await.is(303).header("location"), "/admin/password/");
    let password = [("password", "StrongerPass456"), ("password2", "StrongerPass456")];
    assert_eq!(sam.post(&path, &password).await.is(303).header("location"), "/admin/password/");
    sam.get(ADMIN).await.is(200);
}

#[tokio::test]
async fn staff_make_plain_accounts_and_superusers_make_any() {
    let app = app().await;
    let (mut sam, mut root) = (staff(&app).await, root(&app).await);
    let form = |name: &'static str, more: &[(&'static str, &'static str)]| {
        let email = Box::leak(format!("{name}@Example.com").into_boxed_str());
        let plain =
            [("email", &*email), ("username", name), ("name", name), ("password", PASSWORD), ("password2", PASSWORD)];
        [plain.as_slice(), more].concat()
    };
    for raise in ["is_staff", "is_superuser"] {
        let page = sam.post("/admin/users/add/", &form("eve", &[(raise, "true")])).await.is(403);
        shows(&page, FOR_SUPERUSERS);
        shows(&page, "value=\"eve\"");
        super::hides(&page, PASSWORD);
    }
    shows(
        &sam.submit("/admin/users/add/", &form("alice", &[("_save", "1")])).await,
        "The user “alice@example.com” was added.",
    );
    app.anonymous().logged_in("alice@example.com").await;
    root.submit("/admin/users/add/", &form("steve", &[("is_staff", "true"), ("_continue", "1")])).await;
    assert_eq!(
        (user(&app, "alice").await, user(&app, "steve").await),
        (json!([true, false, false]), json!([true, true, false]))
    );
    Browser::new(&app).logged_in("steve").await;
    let nameless = [("email", "x@example.com"), ("username", "xeno"), ("name", ""), ("password", PASSWORD)];
    root.post("/admin/users/add/", &[nameless.as_slice(), &[("password2", PASSWORD)]].concat()).await.is(303);
    assert_eq!(app.value("select name from users where username = 'xeno'").await, json!("xeno"));
    let page = sam.post("/admin/users/add/", &form("alice", &[])).await.is(400);
    shows(&page, "user with this email already exists.");
    shows(&page, "A user with that username already exists.");
    let wrong = [("email", "x"), ("password", "short"), ("password2", "other"), ("username", "a b")];
    let page = sam.post("/admin/users/add/", &wrong).await.is(400);
    for said in [
        "Enter a valid email address.",
        "This password is too short.",
        "Password fields didn&#39;t match.",
        "Enter a valid username.",
    ] {
        let said = said.replace("&#39;", "'");
        shows(&page, &said);
    }
    super::hides(&page, "short\"");
}

#[tokio::test]
async fn nobody_takes_away_the_last_superuser() {
    let app = app().await;
    let mut root = root(&app).await;
    account(&app, "old", &["is_staff", "is_superuser"]).await;
    // a superuser who can't enter takes nobody's place
    account(&app, "out", &["is_superuser"]).await;
    app.sql("update users set is_active = false where username = 'old'").await;
    let own = id(&app, "root").await;
    for changes in [[("is_superuser", "off")], [("is_active", "off")], [("is_staff", "off")]] {
        shows(&change(&mut root, own, &changes).await.is(409), LAST_SUPERUSER);
    }
    shows(&root.post(&format!("/admin/users/{own}/delete/"), &[]).await.is(409), LAST_SUPERUSER);
    assert_eq!(user(&app, "root").await, json!([true, true, true]));
    let old = id(&app, "old").await;
    change(&mut root, old, &[("is_active", "true")]).await.is(303);
    change(&mut root, own, &[("is_superuser", "off")]).await.is(303);
    assert_eq!(user(&app, "root").await, json!([true, true, false]));
}

#[tokio::test]
async fn of_two_superusers_who_take_each_other_s_right_at_once_one_stays() {
    let app = app().await;
    for name in ["a", "b"] {
        account(&app, name, &["is_staff", "is_superuser"]).await;
    }
    let (a, b) = (id(&app, "a").await, id(&app, "b").await);
    let (mut first, mut second) = (Browser::new(&app).logged_in("a").await, Browser::new(&app).logged_in("b").await);
    // both have read the accounts as they were when they begin to write
    let mut lock = app.connection().await;
    sqlx::raw_sql("begin; select from users for update").execute(&mut lock).await.unwrap();
    let release = async {
        waiting_for_a_lock(&mut app.connection().await, 2).await;
        sqlx::raw_sql("rollback").execute(&mut lock).await.unwrap();
    };
    let off = [("is_superuser", "off")];
    tokio::join!(change(&mut first, b, &off), change(&mut second, a, &off), release);
    assert_eq!(app.value("select count(*) from users where is_superuser").await, json!(1));
}

#[tokio::test]
async fn a_password_that_is_set_ends_the_logins_of_the_account_and_is_judged_by_its_rules() {
    let app = app().await;
    let alice = app.user("alice").await;
    let mut sam = staff(&app).await;
    let path = "/admin/users/1/password/";
    let page = sam.post(path, &[("password", "alice@example.com"), ("password2", "x")]).await.is(400);
    shows(&page, "The password is too similar to the email.");
    shows(&page, "The two passwords are different.");
    let page = sam.post(path, &[("password", "Strong\0Pass456"), ("password2", "Strong\0Pass456")]).await.is(400);
    shows(&page, "Null characters are not allowed.");
    alice.get("/api/patients/").await.is(200);
    let page = sam.submit(path, &[("password", "StrongerPass456"), ("password2", "StrongerPass456")]).await;
    shows(&page, "The password of “alice@example.com” was set.");
    alice.get("/api/patients/").await.is(401);
    let event = app.value("select jsonb_build_array(actor_email, via, event) from audit_log where table_name = 'users' order by id desc limit 1");
    assert_eq!(event.await, json!(["sam@example.com", "admin", "password_changed"]));
    sam.get("/admin/patients/1/password/").await.is(404);
}

#[tokio::test]
async fn the_logins_of_an_account_are_shown_and_ended() {
    let app = app().await;
    let alice = app.user("alice").await;
    let script = app.script(&alice, false).await;
    let mut sam = staff(&app).await;
    let page = sam.get("/admin/users/1/change/").await.is(200);
    shows(&page, "<td>API token</td><td>Script</td>");
    shows(&page, "Logins <span class=\"quiet\">2</span>");
    shows(&sam.submit("/admin/users/1/sessions/end/", &[]).await, "2 logins of “alice@example.com” were ended.");
    for client in [alice, script] {
        client.get("/api/patients/").await.is(401);
    }
    // one that is over by itself is not ended, and not counted
    let alice = app.anonymous().logged_in("alice@example.com").await;
    app.script(&alice, false).await;
    app.sql("update sessions set expires_at = now() - interval '1 minute' where token_hash is not null and ended_at is null")
        .await;
    shows(&sam.submit("/admin/users/1/sessions/end/", &[]).await, "1 login of “alice@example.com” was ended.");
    let expired = app.value("select count(*) from sessions where ended_at is null and expires_at < now()").await;
    assert_eq!(expired, json!(1));
}

#[tokio::test]
async fn a_right_that_is_taken_away_while_a_page_is_made_ends_it() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    // the login is there when the page begins, and gone when its rows are read
    app.sql(
        "alter function staff(staff_caller) rename to staff_before; \
         create sequence asked; \
         create function staff(caller staff_caller) \
             returns table (id bigint, email text, name text, is_superuser boolean, session_id bigint, acts text[]) \
             language plpgsql volatile as $$ begin \
                 if nextval('asked') = 1 then return query select * from staff_before(caller); end if; \
             end $$",
    )
    .await;
    for (path, form) in [
        ("/admin/patients/", None),
        ("/admin/patients/1/change/", None),
        ("/admin/patients/1/history/", None),
        ("/admin/patients/1/delete/", None),
        ("/admin/search/?q=john", None),
        ("/admin/changes/", None),
        ("/admin/accesses/", None),
        ("/admin/patients/suggest/?q=john", None),
        ("/admin/doctors/1/delete/", Some(vec![])),
        ("/admin/mappings/1/remove/", Some(vec![])),
        ("/admin/users/1/sessions/end/", Some(vec![])),
        ("/admin/doctors/add/", Some(vec![("first_name", "A"), ("last_name", "B"), ("specialty", "C")])),
        ("/admin/logout/", Some(vec![])),
    ] {
        app.sql("alter sequence asked restart").await;
        let reply = match form {
            None => sam.get(path).await,
            Some(form) => sam.post(path, &form).await,
        };
        let next = if reply.header("location").ends_with("%2Fadmin%2F") { ADMIN } else { path };
        asks_to_log_in(&reply, next);
        super::hides(&reply, "John");
    }
    assert_eq!(app.value("select count(*) from doctors").await, json!(1));
}
