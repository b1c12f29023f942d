//! The admin, as a browser without JavaScript meets it.

use std::{fmt::Write, time::Duration};

use healthcare_backend::config::{AdminPath, Exposure};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, REGISTER, Reply, TestApp};

mod audit;
mod doors;
mod escaping;
mod forms;
mod frame;
mod lists;
mod orders;
mod plans;
mod relations;
mod rights;
mod state;
mod walk;

pub const ADMIN: &str = "/admin/";
pub const ADMIN_LOGIN: &str = "/admin/login/";

/// A server with an admin.
pub async fn app() -> TestApp {
    TestApp::with(exposure()).await
}

pub fn exposure() -> Exposure {
    Exposure { admin_path: Some(AdminPath::default()), ..Exposure::default() }
}

/// Makes an account of this name and rank: "is_staff", "is_superuser", both, or none.
pub async fn account(app: &TestApp, name: &str, ranks: &[&str]) {
    let registration =
        json!({ "name": name, "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
    app.anonymous().post(REGISTER, registration).await.is(201);
    for rank in ranks {
        app.sql(&format!("update users set {rank} = true where username = '{name}'")).await;
    }
}

/// A superuser who is logged in.
pub async fn root(app: &TestApp) -> Browser {
    account(app, "root", &["is_staff", "is_superuser"]).await;
    Browser::new(app).logged_in("root").await
}

/// Staff without superuser's rights who are logged in.
pub async fn staff(app: &TestApp) -> Browser {
    account(app, "sam", &["is_staff"]).await;
    Browser::new(app).logged_in("sam").await
}

/// A browser: it keeps cookies and sends forms.
pub struct Browser {
    client: Client,
    pub cookies: Vec<(String, String)>,
}

impl Browser {
    pub fn new(app: &TestApp) -> Self {
        Self { client: app.anonymous(), cookies: Vec::new() }
    }

    pub async fn logged_in(mut self, name: &str) -> Self {
        let reply = self.post(ADMIN_LOGIN, &[("username", name), ("password", PASSWORD)]).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, ADMIN), "{}", reply.text);
        self
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, None, &[]).await
    }

    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.send("POST", path, Some(form), &[("sec-fetch-site", "same-origin")]).await
    }

    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        form: Option<&[(&str, &str)]>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = self.client.request(method, path);
        let mut cookies = String::new();
        for (name, value) in &self.cookies {
            write!(cookies, "{name}={value}; ").unwrap();
        }
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.trim_end_matches("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            let mut body = form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(form);
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.finish());
        }
        let reply = Reply::of(request).await;
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(kept, _)| kept != name);
            if !value.is_empty() {
                self.cookies.push((name.into(), value.into()));
            }
        }
        reply
    }

    /// Sends a form, and follows to the page after it.
    pub async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Reply {
        let reply = self.post(path, form).await.is(303);
        let next = reply.headers[LOCATION].to_str().unwrap().to_owned();
        self.get(&next).await.is(200)
    }
}

/// Waits until a query gives this value: reads are recorded within a second.
pub async fn eventually(app: &TestApp, query: &str, expected: Value) {
    let mut value = Value::Null;
    for _ in 0..100 {
        value = app.value(query).await;
        if value == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(value, expected, "{query}");
}

/// Asserts that a page says this.
#[track_caller]
pub fn shows(reply: &Reply, text: &str) {
    assert!(reply.text.contains(text), "no {text:?} in {}", reply.text);
}

/// Asserts that a page does not say this.
#[track_caller]
pub fn hides(reply: &Reply, text: &str) {
    assert!(!reply.text.contains(text), "{text:?} in {}", reply.text);
}

/// Asserts that a stranger is sent to the login, and back to this page after it.
#[track_caller]
pub fn asks_to_log_in(reply: &Reply, next: &str) {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let expected = format!("/admin/login/?next={next}");
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, expected.as_str()), "{}", reply.text);
}
