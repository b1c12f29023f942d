//! The document that describes the API, and its page.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use crate::support::{Client, Reply, TestApp};

async fn document(client: &Client) -> Value {
    client.get("/api/openapi.json").await.is(200).body
}

/// Path, method and operation of all that the document names.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// What a `$ref` stands for.
fn resolved<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(name) => document.pointer(&name[1..]).unwrap_or_else(|| panic!("{name} leads nowhere")),
        None => part,
    }
}

fn references<'a>(part: &'a Value, found: &mut BTreeSet<&'a str>) {
    found.extend(part.get("$ref").and_then(Value::as_str));
    match part {
        Value::Array(parts) => parts.iter().for_each(|part| references(part, found)),
        Value::Object(parts) => parts.values().for_each(|part| references(part, found)),
        _ => {}
    }
}

/// A change of the document is a change of what clients are promised: it is to be seen in a review.
#[tokio::test]
async fn the_document_is_the_one_that_was_reviewed() {
    let app = TestApp::start().await;
    let document = document(&app.anonymous()).await;
    let actual = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
    fs::write(&file, &actual).unwrap();
    let reviewed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/openapi.json");
    let expected = fs::read_to_string(reviewed).unwrap_or_default();
    assert!(actual == expected, "diff {reviewed} {0}; cp {0} {reviewed}", file.display());
}

#[tokio::test]
async fn every_operation_is_named_and_every_answer_is_shown() {
    let app = TestApp::start().await;
    let document = document(&app.anonymous()).await;
    let tags = document["tags"].as_array().unwrap();
    let is_tag = |name: &Value| tags.iter().any(|tag| tag["name"] == *name);
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "two are called {id}");
        assert!(operation["summary"].is_string() && is_tag(&operation["tags"][0]), "{id}");
        let mut statuses = BTreeSet::from(["400", "404", "500", "503"]);
        if !id.starts_with("docs") {
            statuses.insert("406");
        }
        if operation["security"].is_null() {
            statuses.insert("401");
        }
        if !operation["requestBody"].is_null() {
            statuses.extend(["408", "413", "415"]);
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(statuses.iter().all(|status| responses.contains_key(*status)), "{method} {path}");
        for (status, response) in responses {
            let response = resolved(&document, response);
            assert!(response["description"].as_str().is_some_and(|text| text.len() > 5), "{id} {status}");
            let content = response["content"].as_object();
            let has_body = !["204", "302", "304"].contains(&status.as_str());
            assert_eq!(content.is_some(), has_body, "{id} {status}");
            for (media_type, content) in content.into_iter().flatten() {
                let is_shown = !content["example"].is_null() || !content["examples"].is_null();
                assert!(content["schema"].is_object() && is_shown, "{id} {status} {media_type}");
            }
        }
    }
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for name in found {
        assert!(document.pointer(&name[1..]).is_some(), "{name} leads nowhere");
    }
}

#[tokio::test]
async fn what_is_always_answered_is_said_to_be_and_other_names_of_paths_are_said_too() {
    let app = TestApp::start().await;
    let document = document(&app.anonymous()).await;
    for name in [
        "Patient",
        "Doctor",
        "Mapping",
        "User",
        "Registered",
        "TokenPair",
        "Token",
        "NewToken",
        "EntryPoints",
        "Change",
        "Access",
        "AuditEntry",
        "Read",
    ] {
        let schema = &document["components"]["schemas"][name];
        let required = schema["required"].as_array().unwrap().len();
        assert_eq!(required, schema["properties"].as_object().unwrap().len(), "{name}");
    }
    let said = document.to_string();
    for other in ["/api/auth/refresh/", "/api/mappings/patient/{id}/"] {
        assert!(said.contains(&format!("Also served as `{other}`")), "{other}");
    }
}

#[tokio::test]
async fn what_the_document_names_is_served() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let document = document(&alice).await;
    for (path, method, operation) in operations(&document) {
        // one of them logs out
        let alice = app.anonymous().logged_in("alice@example.com").await;
        let path = path.replace("{id}", "1").replace("{file}", "page.js");
        let allow = alice.send("OPTIONS", &path).await.is(200).header("allow").to_owned();
        assert!(allow.split(", ").any(|allowed| allowed.eq_ignore_ascii_case(method)), "{path}: {allow}");
        let reply = alice.send(&method.to_uppercase(), &path).await;
        let status = reply.status.as_str().to_owned();
        assert!(reply.status != 405 && reply.text != r#"{"detail":"Not found."}"#, "{method} {path}");
        assert!(operation["responses"].get(&status).is_some(), "{method} {path}: {status}");
    }
}

/// `routes!` takes a handler together with its description, and nothing else makes a route.
#[test]
fn nothing_is_served_that_the_document_does_not_name() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("src/admin") {
                // its pages are none of the API, and a test of their own walks them
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).unwrap().replacen(".merge(pages.", "", 1);
                let routes = source.matches(".routes(routes!(").count();
                assert_eq!(source.matches(".routes(").count(), routes, "{}", path.display());
                count += routes;
                for other in [".route(", ".route_service(", ".nest(", ".nest_service(", ".merge("] {
                    assert!(!source.contains(other), "{} has {other}", path.display());
                }
            }
        }
    }
    assert!(count >= 15, "{count}");
}

fn html(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request.header("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
}

#[tokio::test]
async fn a_browser_that_opens_the_root_is_led_to_the_page() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    let reply = Reply::of(html(anybody.request("GET", "/"))).await.is(302);
    assert_eq!((reply.header("location"), reply.text.as_str()), ("/api/docs/", ""));
    for accept in [
        "",
        "text/html;q=0, */*",
        "application/json, text/html;q=0.1",
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
    ] {
        let reply = Reply::of(anybody.request("GET", "/").header("accept", accept)).await.is(200);
        assert!(reply.body["patients"].is_string());
    }
    // there a browser sees the list too
    let reply = Reply::of(html(anybody.request("GET", "/api/"))).await.is(200);
    assert!(reply.body["patients"].is_string());
}

#[tokio::test]
async fn the_page_comes_whole_from_this_program_and_loads_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let anybody = app.anonymous();
    for path in ["/api/docs/", "/api/docs"] {
        let page = Reply::of(html(anybody.request("GET", path))).await.is(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !page.text.contains("://"), "{}", page.text);
        let attributes = page.text.split('"').filter(|text| text.starts_with("/api/"));
        let files: BTreeSet<&str> = attributes.collect();
        assert_eq!(files.len(), 7, "{files:?}");
        for file in files {
            let reply = anybody.get(file).await.is(200);
            let kind = match file.rsplit('.').next().unwrap() {
                "js" => "text/javascript",
                "css" => "text/css",
                "png" => "image/png",
                _ => "application/json",
            };
            assert_eq!(reply.header("content-type"), kind);
            assert!(reply.text.len() > 100);
        }
    }
    for file in ["%ff", "index.html", "swagger-initializer.js", "..%2fpage.js", "page.js/", ""] {
        let reply = anybody.get(&format!("/api/docs/x{file}")).await;
        assert_eq!(reply.status, 404, "{file}");
    }
    let reply = anybody.get("/api/patients/").await;
    assert_eq!(reply.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
}
