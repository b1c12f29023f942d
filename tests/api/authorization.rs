//! Every operation of the OpenAPI document, tried by the wrong people. A new endpoint is covered by being documented.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, bad_token, detail};

/// What needs no token.
const PUBLIC: &[&str] = &[
    "GET /",
    "GET /api/",
    "POST /api/auth/register/",
    "POST /api/auth/login/",
    "POST /api/auth/token/refresh/",
    "POST /api/auth/token/blacklist/",
    "POST /api/auth/token/verify/",
];

#[derive(Debug)]
struct Operation {
    method: String,
    path: String,
    id: String,
    /// Whose number stands in the path: "patient", "doctor", …
    of: String,
    /// The document's example of a body.
    body: Value,
    is_public: bool,
    /// It makes a row.
    is_creation: bool,
}

impl Operation {
    /// All that the document names, in its order, but deletions last.
    async fn all(app: &TestApp) -> Vec<Self> {
        let document = app.anonymous().get("/api/openapi.json").await.is(200).body;
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                operations.push(Self {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    of: operation["parameters"][0]["description"]
                        .as_str()
                        .and_then(|text| text.strip_prefix("The ")?.split_once('\''))
                        .map_or_else(String::new, |(model, _)| model.to_owned()),
                    id: operation["operationId"].as_str().unwrap().to_owned(),
                    body: operation["requestBody"]["content"]["application/json"]["example"].clone(),
                    is_public: operation["security"] == json!([{}]),
                    is_creation: operation["responses"].get("201").is_some(),
                });
            }
        }
        assert!(operations.len() >= 20, "{operations:?}");
        operations.sort_by_key(|operation| operation.method == "DELETE");
        operations
    }

    async fn protected(app: &TestApp) -> Vec<Self> {
        Self::all(app).await.into_iter().filter(|operation| !operation.is_public).collect()
    }

    fn has_id(&self) -> bool {
        self.path.contains("{id}")
    }

    /// Whether it lists what belongs to the caller. (Everybody has a login, which the tests of sessions look after.)
    fn is_list(&self) -> bool {
        let is_own = !self.is_shared() && !self.is_for_staff();
        self.id.ends_with("_list") && !self.has_id() && is_own && self.id != "auth_sessions_list"
    }

    /// The audit is for staff, whatever is the caller's.
    fn is_for_staff(&self) -> bool {
        self.path.starts_with("/api/audit/")
    }

    /// Whether it shows who looked, so that a look at it changes it.
    fn shows_reads(&self) -> bool {
        ["patients_access_list", "auth_me_export_retrieve"].contains(&&*self.id)
    }

    /// The directory of doctors is every user's.
    fn is_shared(&self) -> bool {
        self.path.starts_with("/api/doctors/")
    }
}

/// The caller with a row of each resource, and the number of each row: "patient" → "1".
struct Owner {
    client: Client,
    ids: BTreeMap<String, String>,
}

impl Owner {
    /// Makes the rows from the document's examples. Each has another number, so that none is taken for another.
    async fn new(app: &TestApp) -> Self {
        let mut owner = Self { client: app.user("alice").await, ids: BTreeMap::new() };
        let operations = Operation::protected(app).await;
        for (index, creation) in operations.iter().filter(|operation| operation.is_creation).enumerate() {
            let noun = creation.path.trim_end_matches("s/").rsplit('/').next().unwrap().to_owned();
            let body = owner.body(creation);
            for number in 0..=index {
                let row = owner.client.post(&creation.path, body.clone()).await.is(201).body;
                if number == index {
                    owner.ids.insert(noun.clone(), row["id"].to_string());
                } else {
                    owner.client.delete(&format!("{}{}/", creation.path, row["id"])).await.is(204);
                }
            }
        }
        let sessions = owner.client.get("/api/auth/sessions/").await.is(200).body;
        owner.ids.insert("session".into(), sessions[0]["id"].to_string());
        assert!(owner.ids.len() >= 4, "{:?}", owner.ids);
        owner
    }

    /// The number of the row that an operation is of.
    fn id(&self, operation: &Operation) -> &str {
        self.ids.get(&operation.of).map_or("", String::as_str)
    }

    /// The document's example, with the numbers of the rows that there are.
    fn body(&self, operation: &Operation) -> Value {
        let mut body = operation.body.clone();
        for (noun, id) in &self.ids {
            if let Some(value) = body.get_mut(noun) {
                *value = json!(id);
            }
        }
        body
    }

    async fn send(&self, operation: &Operation, client: &Client, id: &str) -> Reply {
        let path = operation.path.replace("{id}", id);
        match self.body(operation) {
            Value::Null => client.send(&operation.method, &path).await,
            body => client.json(&operation.method, &path, body).await,
        }
    }

    /// Everything that the owner sees.
    async fn seen(&self, operations: &[Operation]) -> String {
        let mut seen = String::new();
        let is_same = |operation: &&Operation| !operation.is_for_staff() && !operation.shows_reads();
        for operation in operations.iter().filter(|operation| operation.method == "GET").filter(is_same) {
            seen += &self.send(operation, &self.client, self.id(operation)).await.is(200).text;
        }
        seen
    }
}

#[tokio::test]
async fn only_what_is_listed_here_needs_no_token() {
    let app = TestApp::start().await;
    let operations = Operation::all(&app).await;
    let public: std::collections::BTreeSet<String> = operations
        .iter()
        .filter(|operation| operation.is_public)
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    assert_eq!(public, PUBLIC.iter().map(ToString::to_string).collect());
    let owner = Owner::new(&app).await;
    for operation in operations.iter().filter(|operation| !operation.is_public) {
        let reply = owner.send(operation, &app.anonymous(), owner.id(operation)).await;
        reply.says(401, detail("Authentication credentials were not provided."));
    }
}

#[tokio::test]
async fn a_caller_who_is_no_more_is_told_so_at_once_by_every_operation() {
    let app = TestApp::start().await;
    let owner = Owner::new(&app).await;
    let alice = &owner.client;
    let scripts = [app.script(alice, false).await, app.script(alice, true).await];
    let operations = Operation::protected(&app).await;
    let inactive = json!({"detail": "User is inactive", "code": "user_inactive"});
    let (ended, gone) = (bad_token("Token is invalid"), json!({"detail": "User not found", "code": "user_not_found"}));
    for (change, back, answer, to_scripts) in [
        ("update users set is_active = false", "update users set is_active = true", Some(inactive.clone()), inactive),
        (
            "update sessions set ended_at = now()",
            "update sessions set ended_at = null",
            Some(ended.clone()),
            ended.clone(),
        ),
        (
            "update sessions set expires_at = now() where token_hash is not null",
            "update sessions set expires_at = '9999-12-31'",
            None,
            ended.clone(),
        ),
        ("update sessions set token_hash = sha256('x') where token_hash is not null", "select 1", None, ended.clone()),
        // nobody learns from a token that was made up whether there is such a user
        ("delete from users", "select 1", Some(gone), ended),
    ] {
        app.sql(change).await;
        let of_scripts = scripts.iter().map(|script| (script, &to_scripts));
        for (client, body) in answer.iter().map(|answer| (alice, answer)).chain(of_scripts) {
            for operation in &operations {
                // a refusal of anything else comes later
                for id in [owner.id(operation), "999", "abc"] {
                    owner.send(operation, client, id).await.says(401, body.clone());
                }
                let path = operation.path.replace("{id}", owner.id(operation));
                client.raw(&operation.method, &path, "application/json", "{").await.says(401, body.clone());
                client.raw(&operation.method, &path, "text/plain", "x").await.says(401, body.clone());
                client.raw(&operation.method, &path, "application/json", "{}").await.says(401, body.clone());
                client.send("TRACE", &path).await.says(401, body.clone());
                client.send("OPTIONS", &path).await.says(401, body.clone());
            }
        }
        app.sql(back).await;
    }
}

#[tokio::test]
async fn a_token_that_only_reads_is_refused_by_every_operation_that_writes_and_changes_nothing() {
    let app = TestApp::start().await;
    let owner = Owner::new(&app).await;
    let script = app.script(&owner.client, true).await;
    let operations = Operation::protected(&app).await;
    // its last use is noted once a minute, and shown
    script.get("/api/auth/me/").await.is(200);
    while owner.client.get("/api/auth/tokens/").await.is(200).body[0]["last_used_at"].is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = owner.seen(&operations).await;
    let refused = detail("You do not have permission to perform this action.");
    for operation in &operations {
        let path = operation.path.replace("{id}", owner.id(operation));
        if operation.method == "GET" {
            script.get(&path).await.is(if operation.is_for_staff() { 403 } else { 200 });
            continue;
        }
        for id in [owner.id(operation), "999", "abc"] {
            owner.send(operation, &script, id).await.says(403, refused.clone());
        }
        for (content_type, body) in [("application/json", "{"), ("text/plain", "x"), ("application/json", "{}")] {
            script.raw(&operation.method, &path, content_type, body).await.says(403, refused.clone());
        }
        assert_eq!(owner.seen(&operations).await, before, "{operation:?}");
    }
}

#[tokio::test]
async fn a_stranger_s_row_answers_byte_for_byte_as_one_that_does_not_exist_and_stays_as_it_is() {
    let app = TestApp::start().await;
    let (owner, bob) = (Owner::new(&app).await, app.user("bob").await);
    let operations = Operation::protected(&app).await;
    let before = owner.seen(&operations).await;
    for operation in operations.iter().filter(|operation| operation.has_id() && !operation.is_shared()) {
        for body in ["{", "{}", r#"{"first_name": "Mallory"}"#, ""] {
            let path = |id: &str| operation.path.replace("{id}", id);
            let sent = |id| bob.raw(&operation.method, Box::leak(path(id).into_boxed_str()), "application/json", body);
            let (foreign, absent) = (sent(owner.id(operation)).await.is(404), sent("999").await.is(404));
            assert_eq!(foreign.text, absent.text);
        }
        let (foreign, absent) =
            (owner.send(operation, &bob, owner.id(operation)).await, owner.send(operation, &bob, "999").await);
        assert_eq!((foreign.status.as_u16(), &foreign.text), (404, &absent.text), "{operation:?}");
        assert_eq!(header_names(&foreign), header_names(&absent));
        assert_eq!(owner.seen(&operations).await, before, "{operation:?}");
    }
}

#[tokio::test]
async fn a_stranger_s_list_is_exactly_empty() {
    let app = TestApp::start().await;
    let (_owner, bob) = (Owner::new(&app).await, app.user("bob").await);
    for operation in Operation::protected(&app).await {
        if operation.method == "GET" && operation.is_list() {
            assert_eq!(bob.get(&operation.path).await.is(200).text, "[]", "{operation:?}");
        }
    }
}

#[tokio::test]
async fn what_is_for_staff_is_refused_to_everybody_else() {
    let app = TestApp::start().await;
    let owner = Owner::new(&app).await;
    let refused = detail("You do not have permission to perform this action.");
    let operations = Operation::protected(&app).await;
    let mut count = 0;
    for operation in operations.iter().filter(|operation| operation.is_for_staff()) {
        app.sql("update users set is_staff = false").await;
        owner.send(operation, &owner.client, "").await.says(403, refused.clone());
        app.sql("update users set is_staff = true").await;
        owner.send(operation, &owner.client, "").await.is(200);
        count += 1;
    }
    assert_eq!(count, 2);
}

fn header_names(reply: &Reply) -> Vec<(String, Value)> {
    let varying = ["date", "x-request-id"];
    let headers = reply.headers.iter().filter(|(name, _)| !varying.contains(&name.as_str()));
    headers.map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect()
}
