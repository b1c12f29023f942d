//! Pages that are served from elsewhere.

use healthcare_backend::config::Exposure;
use reqwest::header::HeaderValue;

use crate::support::{Client, Reply, TestApp};

const APP: &str = "https://app.example.org";

async fn app(origins: &[&'static str], from_localhost: bool) -> TestApp {
    let cors_allowed_origins = origins.iter().map(|origin| HeaderValue::from_static(origin)).collect();
    TestApp::with(Exposure { cors_allowed_origins, cors_from_localhost: from_localhost, ..Exposure::default() }).await
}

async fn preflight(app: &TestApp, origin: &str) -> Reply {
    let request = app.anonymous().request("OPTIONS", "/api/patients/1/").header("origin", origin);
    Reply::of(
        request
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,content-type,prefer,x-requested-with"),
    )
    .await
}

async fn ask(client: &Client, origin: &str) -> Reply {
    Reply::of(client.request("GET", "/api/patients/").header("origin", origin)).await
}

#[tokio::test]
async fn of_a_listed_origin_may_use_the_api() {
    let app = app(&[APP], false).await;
    let reply = preflight(&app, APP).await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), APP);
    assert_eq!(reply.header("access-control-allow-credentials"), "true");
    assert!(reply.header("access-control-allow-methods").contains("PATCH"));
    for header in ["x-requested-with", "prefer"] {
        assert!(reply.header("access-control-allow-headers").contains(header), "{header}");
    }
    let alice = app.user("alice").await;
    let reply = ask(&alice, APP).await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), APP);
    for header in ["retry-after", "ignored-parameters", "preference-applied"] {
        assert!(reply.header("access-control-expose-headers").contains(header), "{header}");
    }
    let vary: Vec<&str> = reply.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(vary.join(", ").to_lowercase().contains("origin") && vary.contains(&"Accept"), "{vary:?}");
    // a page must be able to read why it was refused
    let refused = ask(&app.anonymous(), APP).await.is(401);
    assert_eq!(refused.header("access-control-allow-origin"), APP);
}

#[tokio::test]
async fn of_another_origin_may_not() {
    let app = app(&[APP], false).await;
    for origin in [
        "https://evil.example",
        "http://app.example.org",
        "https://app.example.org.evil.example",
        "null",
        "http://localhost:3000",
    ] {
        assert_eq!(preflight(&app, origin).await.header("access-control-allow-origin"), "", "{origin}");
        assert_eq!(ask(&app.anonymous(), origin).await.header("access-control-allow-origin"), "", "{origin}");
        let reply = ask(&app.anonymous(), origin).await;
        assert_eq!(reply.header("access-control-allow-credentials"), "", "{origin}");
        assert!(reply.headers.get_all("vary").iter().any(|vary| vary == "Origin"));
    }
}

#[tokio::test]
async fn of_any_origin_come_without_credentials() {
    let app = app(&["*"], false).await;
    let reply = preflight(&app, "https://anywhere.example").await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn of_this_machine_are_for_development() {
    let app = app(&[], true).await;
    for origin in ["http://localhost:5173", "http://127.0.0.1:3000"] {
        assert_eq!(preflight(&app, origin).await.is(200).header("access-control-allow-origin"), origin);
    }
    assert_eq!(preflight(&app, "http://localhost.evil.example").await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn get_nothing_where_nothing_is_set_and_options_stays_what_it_is() {
    let plain = TestApp::start().await;
    assert_eq!(preflight(&plain, APP).await.is(401).header("access-control-allow-origin"), "");
    assert_eq!(ask(&plain.anonymous(), APP).await.header("access-control-allow-origin"), "");
    let app = app(&[APP], false).await;
    app.anonymous().send("OPTIONS", "/api/patients/").await.is(401);
    let named = app.user("alice").await.send("OPTIONS", "/api/patients/").await.is(200);
    assert_eq!(named.body["name"], "Patient List");
}
