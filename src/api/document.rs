//! The OpenAPI document: what each handler says of itself, and what all of them have in common: bodies, errors and
//! headers. It is plain, so that every generator can make a client from it: one type a field, one named schema a body.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON of our own making: what is not as it should be is found at the first start"
)]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{
    Modify,
    openapi::{
        OpenApi,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    auth, doctors, mappings, patients,
    responses::{ErrorResponse, Operation, error_responses},
};
use crate::{
    accounts::Registration,
    db::{audit::AuditAction, history::ChangeAction, patients::Gender},
    error::{ApiError, Detail, FieldErrors, TokenMessage, UnauthenticatedBody},
    input::Accepted,
};

/// The general part of the document.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Healthcare Backend", description = include_str!("docs/introduction.md")),
    security(("jwtAuth" = [])),
    modifiers(&JwtAuth),
    components(schemas(Detail, FieldErrors, UnauthenticatedBody, TokenMessage, AuditAction, ChangeAction, Gender)),
    tags(
        (name = "auth", description = "Accounts and tokens"),
        (name = "patients", description = "Your own patients"),
        (name = "doctors", description = "The directory that all users share"),
        (name = "mappings", description = "Which doctors look after your patients"),
        (name = "audit", description = "Who did what, for staff"),
        (name = "index", description = "What is served"),
    ),
)]
pub(super) struct Document;

/// The access token that login answers.
struct JwtAuth;

impl Modify for JwtAuth {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("jwtAuth", SecurityScheme::Http(scheme));
    }
}

/// Every body there is.
fn bodies() -> [Accepted; 11] {
    [
        Accepted::of::<Registration>(),
        Accepted::of::<auth::login::Login>(),
        Accepted::of::<auth::tokens::Refresh>(),
        Accepted::of::<auth::tokens::Verify>(),
        Accepted::of::<auth::api_tokens::ApiTokenInput>(),
        Accepted::of::<auth::password::PasswordChange>(),
        Accepted::of::<auth::me::ProfileInput>(),
        Accepted::of::<auth::deletion::AccountDeletion>(),
        Accepted::of::<patients::PatientInput>(),
        Accepted::of::<doctors::DoctorInput>(),
        Accepted::of::<mappings::MappingInput>(),
    ]
}

/// Completes the document that utoipa made from the handlers.
pub fn complete(openapi: &OpenApi) -> Value {
    let mut document = json!(openapi);
    // a client needs no methods for the documentation itself
    map(&mut document["paths"]).retain(|path, _| !is_documentation(path));
    let errors = error_responses();
    let mut components = Components {
        bodies: bodies().into(),
        schemas: std::mem::take(map(&mut document["components"]["schemas"])),
        responses: errors.iter().map(|error| (error.name.to_owned(), error.response())).collect(),
    };
    for body in &components.bodies {
        // the derived schema has no bounds
        components.schemas.remove(&body.name);
    }
    for item in map(&mut document["paths"]).values_mut() {
        for (method, operation) in map(item) {
            components.describe_body(operation, method == "patch");
            components.describe_responses(method, operation, &errors);
            if let Some(summary) = operation["summary"].as_str() {
                operation["summary"] = summary.trim_end_matches('.').into();
            }
        }
    }
    let Components { mut schemas, mut responses, .. } = components;
    schemas.sort_keys();
    for schema in schemas.values_mut() {
        // examples stand where the schema is used
        map(schema).remove("example");
        // generators do not know it
        map(schema).remove("propertyNames");
    }
    for (name, response) in &mut responses {
        add_headers(response, name);
    }
    let components = map(&mut document["components"]);
    components.insert("schemas".into(), schemas.into());
    components.insert("responses".into(), responses.into());
    components.insert("headers".into(), headers().into());
    document
}

/// Whether a path is of the documentation itself.
pub fn is_documentation(path: &str) -> bool {
    path.starts_with("/api/docs/") || path == "/api/openapi.json"
}

fn map(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("an object of the document")
}

pub(super) fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// The name of the schema that this one refers to.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The parts that operations share.
struct Components {
    bodies: Vec<Accepted>,
    schemas: Map<String, Value>,
    responses: Map<String, Value>,
}

impl Components {
    /// Describes a body as JSON and as a form, and its 400.
    fn describe_body(&mut self, operation: &mut Value, is_patch: bool) {
        let Some(json) = operation.pointer("/requestBody/content/application~1json") else { return };
        let name = referred(&json["schema"]).expect("a body has a schema of its own");
        let body = self.bodies.iter().find(|body| body.name == name).expect("a body of `bodies`");
        let example = json.get("example").unwrap_or(&body.example).clone();
        let name = if is_patch { format!("Patched{name}") } else { name.to_owned() };
        let content = json!({ "schema": reference("schemas", &name), "example": example });
        operation["requestBody"] = json!({
            // PATCH without a body changes nothing
            "required": !is_patch,
            "content": {
                "application/json": content,
                "application/x-www-form-urlencoded": content,
                "multipart/form-data": content,
            },
        });
        self.schemas.insert(name, if is_patch { &body.partial } else { &body.whole }.clone());

        let errors = format!("{}Errors", body.name.trim_end_matches("Request"));
        let own = operation["responses"].get("400").cloned();
        if own.is_some() || !self.responses.contains_key(&errors) {
            self.responses.insert(errors.clone(), invalid_body(body, &errors, own.as_ref()));
            self.schemas.insert(errors.clone(), body.errors.clone());
        }
        operation["responses"]["400"] = reference("responses", &errors);
    }

    /// Adds the shared error responses to those that the handler describes.
    fn describe_responses(&self, method: &str, operation: &mut Value, errors: &[ErrorResponse]) {
        let names = operation["parameters"].as_array().into_iter().flatten();
        let about = Operation {
            needs_token: operation["security"] != json!([{}]),
            writes: method != "get",
            has_body: !operation["requestBody"].is_null(),
            parameters: names.filter_map(|parameter| parameter["name"].as_str().map(Into::into)).collect(),
        };
        let own = map(&mut operation["responses"]);
        let mut responses: BTreeMap<String, Value> = std::mem::take(own).into_iter().collect();
        for error in errors.iter().filter(|error| (error.applies)(&about)) {
            responses.entry(error.status()).or_insert_with(|| reference("responses", error.name));
        }
        for (status, response) in &mut responses {
            if response["$ref"].is_null() {
                self.add_example(response);
                add_headers(response, status);
                for name in own_headers(status, &about) {
                    response["headers"][*name] = reference("headers", name);
                }
            }
        }
        own.extend(responses);
    }

    /// Copies the example of the schema into the response.
    fn add_example(&self, response: &mut Value) {
        let Some(content) = response.pointer_mut("/content/application~1json") else { return };
        let example = |schema: &Value| Some(self.schemas.get(referred(schema)?)?["example"].clone());
        let (one, each) = (example(&content["schema"]), example(&content["schema"]["items"]));
        if let Some(example) = one.or_else(|| Some(json!([each?])))
            && content.get("example").or(content.get("examples")).is_none()
        {
            content["example"] = example;
        }
    }
}

/// The 400 of a body, with the handler's own examples.
fn invalid_body(body: &Accepted, schema: &str, own: Option<&Value>) -> Value {
    let malformed = "JSON parse error - EOF while parsing an object at line 1 column 1";
    let malformed = ApiError::BadRequest(malformed.into());
    let shown = [("missing", body.when_empty.as_ref()), ("malformed", Some(&malformed))];
    let shown = shown.into_iter().filter_map(|(name, error)| Some((name.into(), json!({ "value": error?.body() }))));
    let mut examples: Map<String, Value> = shown.collect();
    let own = own.and_then(|own| own.pointer("/content/application~1json/examples")?.as_object());
    examples.extend(own.cloned().unwrap_or_default());
    json!({
        "description": "The messages of each field that is wrong, all at once; or `detail`, if the body can't be read.",
        "content": { "application/json": { "schema": reference("schemas", schema), "examples": examples } },
    })
}

/// Adds the headers of a response. `of` is its status, or its name among the components.
fn add_headers(response: &mut Value, of: &str) {
    let own = map(response).entry("headers").or_insert_with(|| json!({}));
    let special: &[&str] = match of {
        "401" | "Unauthenticated" => &["WWW-Authenticate"],
        "InvalidQuery" => &["Ignored-Parameters", "Preference-Applied"],
        "TooManyRequests" | "ServiceUnavailable" => &["Retry-After"],
        _ => &[],
    };
    for name in ["X-Request-Id", "Allow"].iter().chain(special) {
        own[*name] = reference("headers", name);
    }
}

/// The headers of successes that only some operations have.
fn own_headers(status: &str, operation: &Operation) -> &'static [&'static str] {
    match status {
        "200" if operation.takes("limit") => &["Link", "X-Total-Count", "Ignored-Parameters", "Preference-Applied"],
        "200" | "304" if operation.takes("If-Match") || operation.takes("If-None-Match") => &["ETag"],
        "201" if operation.takes("Idempotency-Key") => &["Idempotency-Replayed"],
        _ => &[],
    }
}

/// Header, what it says, its type, an example.
const HEADERS: &[(&str, &str, &str, &str)] = &[
    (
        "X-Request-Id",
        "The id of the request, in the log and in the audit.",
        "string",
        "5f0c6d1e9b8a47d2a3c4e5f60718293a",
    ),
    ("Allow", "The methods that the path takes.", "string", "GET, POST, HEAD, OPTIONS"),
    (
        "WWW-Authenticate",
        "How to send the access token; names the scheme that was sent instead, such as JWT (RFC 6750).",
        "string",
        "Bearer realm=\"api\"",
    ),
    ("ETag", "The version of the row, for `If-Match` and `If-None-Match`.", "string", "\"1-5f0c6d1e9b8a47d2\""),
    ("Link", "The address of the next page (RFC 8288).", "string", "</api/patients/?limit=9&cursor=x>; rel=\"next\""),
    ("X-Total-Count", "The number of rows, if `count` asks for it.", "integer", "166"),
    ("Ignored-Parameters", "The names of unknown parameters, percent-encoded, at most 10.", "string", "gendre, page"),
    ("Preference-Applied", "The preference of `Prefer` that was followed (RFC 7240).", "string", "handling=strict"),
    ("Idempotency-Replayed", "`true`: an earlier request with this key made the row.", "string", "true"),
    ("Retry-After", "Seconds to wait.", "integer", "1"),
];

fn headers() -> Map<String, Value> {
    let header = |(name, description, kind, example): &(&str, &str, &str, &str)| {
        let example = if *kind == "integer" { json!(example.parse::<i64>().ok()) } else { json!(example) };
        ((*name).into(), json!({ "description": description, "schema": { "type": kind }, "example": example }))
    };
    HEADERS.iter().map(header).collect()
}
