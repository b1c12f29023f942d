//! The OpenAPI document: what each handler says of itself, and what is the same for all of them: what a body may hold,
//! the refusals, and the headers.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON of our own making: what is not as it should be is found at the first start"
)]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::{
    components::{common_schemas, headers},
    refusals::{Of, refusals},
};
use crate::{
    error::ApiError,
    input::{Accepted, Encoding},
};

/// Completes the document that was made of the handlers. `bodies` are all that one of them takes.
pub fn complete(openapi: &OpenApi, bodies: &[Accepted]) -> Value {
    let mut document = json!(openapi);
    let mut parts = Parts {
        bodies,
        schemas: std::mem::take(map(&mut document["components"]["schemas"])),
        responses: refusals().iter().map(|refusal| (refusal.name.to_owned(), refusal.response())).collect(),
    };
    for body in bodies {
        // the plain struct's own schema says too little
        parts.schemas.remove(&body.name);
    }
    for item in map(&mut document["paths"]).values_mut() {
        for (method, operation) in map(item) {
            let body = parts.describe_body(operation, method == "patch");
            parts.describe_responses(operation, body);
            if let Some(summary) = operation["summary"].as_str() {
                operation["summary"] = summary.trim_end_matches('.').into();
            }
        }
    }
    let Parts { mut schemas, mut responses, .. } = parts;
    schemas.extend(common_schemas());
    schemas.sort_keys();
    for schema in schemas.values_mut() {
        // it stands where the schema is used
        map(schema).remove("example");
    }
    for (name, response) in &mut responses {
        add_headers(response, name);
    }
    let components = map(&mut document["components"]);
    components.insert("schemas".into(), schemas.into());
    components.insert("responses".into(), responses.into());
    components.insert("headers".into(), headers());
    document
}

fn map(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("an object of the document")
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// The name of the schema that this one refers to.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// What operations share, as it is collected.
struct Parts<'a> {
    bodies: &'a [Accepted],
    schemas: Map<String, Value>,
    responses: Map<String, Value>,
}

impl<'a> Parts<'a> {
    /// Says that a body may be JSON or a form, and what each may hold.
    fn describe_body(&mut self, operation: &mut Value, is_patch: bool) -> Option<&'a Accepted> {
        let json = operation.pointer("/requestBody/content/application~1json")?;
        let name = referred(&json["schema"])?;
        let body = self.bodies.iter().find(|body| body.name == name).expect("a body of `bodies`");
        let example = json.get("example").unwrap_or(&body.example).clone();
        let (patched, stem) = (if is_patch { "Patched" } else { "" }, stem(name));
        let mut content = |name: String, encoding| {
            let schema = if is_patch { body.partial(encoding) } else { body.whole(encoding) };
            let reference = reference("schemas", &name);
            self.schemas.insert(name, schema);
            json!({ "schema": reference, "example": example })
        };
        let json = content(format!("{patched}{name}"), Encoding::Json);
        let form = content(format!("{patched}{stem}Form"), Encoding::Form);
        operation["requestBody"] = json!({
            // PATCH without a body changes nothing
            "required": !is_patch,
            "content": {
                "application/json": json,
                "application/x-www-form-urlencoded": form,
                "multipart/form-data": form,
            },
        });
        Some(body)
    }

    /// Says what else an operation answers, beside what its handler says: by status, each with an example.
    fn describe_responses(&mut self, operation: &mut Value, body: Option<&Accepted>) {
        let needs_token = operation["security"] != json!([{}]);
        let parameters = operation["parameters"].clone();
        let is_documentation = operation["operationId"].as_str().is_some_and(|id| id.starts_with("docs"));
        let own = map(&mut operation["responses"]);
        let mut responses: BTreeMap<String, Value> = std::mem::take(own).into_iter().collect();
        if let Some(body) = body {
            let name = format!("{}Invalid", stem(&body.name));
            let own = responses.remove("400");
            if own.is_some() || !self.responses.contains_key(&name) {
                let invalid = self.invalid(body, own.as_ref());
                self.responses.insert(name.clone(), invalid);
            }
            responses.insert("400".into(), reference("responses", &name));
        }
        for refusal in refusals() {
            let applies = match &refusal.of {
                Of::All => true,
                Of::Callers => needs_token,
                Of::Bodies => body.is_some(),
                Of::Rows(number) => parameters[0]["description"] == **number,
                Of::Json => !is_documentation,
                Of::Parameter(name) => takes(&parameters, name),
            };
            if applies {
                responses.entry(refusal.status()).or_insert_with(|| reference("responses", refusal.name));
            }
        }
        for (status, response) in &mut responses {
            if response["$ref"].is_null() {
                self.add_example(response);
                add_headers(response, status);
                add_own_headers(response, status, &parameters);
            }
        }
        own.extend(responses);
    }

    /// 400 for a body, with the examples of the handler's own.
    fn invalid(&mut self, body: &Accepted, own: Option<&Value>) -> Value {
        let name = format!("{}Faults", stem(&body.name));
        let malformed = ApiError::Malformed("JSON parse error - EOF while parsing an object at line 1 column 1".into());
        let mut examples = Map::new();
        for (name, error) in [("missing", body.when_empty.as_ref()), ("malformed", Some(&malformed))] {
            if let Some(error) = error {
                examples.insert(name.into(), json!({ "value": error.body() }));
            }
        }
        let own = own.and_then(|own| own.pointer("/content/application~1json/examples")?.as_object());
        examples.extend(own.cloned().unwrap_or_default());
        self.schemas.insert(name.clone(), body.faults.clone());
        json!({
            "description": "The body can't be read (`detail`), or what is wrong with each of its fields: all of it at once.",
            "content": { "application/json": {
                "schema": { "oneOf": [reference("schemas", &name), reference("schemas", "Detail")] },
                "examples": examples,
            } },
        })
    }

    /// Shows the example of the schema.
    fn add_example(&self, response: &mut Value) {
        let Some(content) = response.pointer_mut("/content/application~1json") else {
            return;
        };
        let example = |schema: &Value| Some(self.schemas.get(referred(schema)?)?["example"].clone());
        let (one, each) = (example(&content["schema"]), example(&content["schema"]["items"]));
        if let Some(example) = one.or_else(|| Some(json!([each?])))
            && content.get("example").is_none()
        {
            content["example"] = example;
        }
    }
}

/// Whether these parameters have one of this name.
fn takes(parameters: &Value, name: &str) -> bool {
    let parameters = parameters.as_array();
    parameters.is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == name))
}

/// `PatientRequest` is a Patient's.
fn stem(name: &str) -> &str {
    name.strip_suffix("Request").unwrap_or(name)
}

/// Names the headers of a response, which is known by its status or by its name among the components.
fn add_headers(response: &mut Value, of: &str) {
    let mut names = vec!["X-Request-Id", "Allow"];
    match of {
        "401" | "Unauthenticated" => names.push("WWW-Authenticate"),
        "ServiceUnavailable" => names.push("Retry-After"),
        _ => {}
    }
    let own = map(response).entry("headers").or_insert_with(|| json!({}));
    for name in names {
        own[name] = reference("headers", name);
    }
}

/// The headers of answers to operations with such parameters.
fn add_own_headers(response: &mut Value, status: &str, parameters: &Value) {
    let takes = |name| takes(parameters, name);
    let is_mapping = response["content"]["application/json"]["schema"] == reference("schemas", "Mapping");
    let is_row = takes("If-Match") || takes("If-None-Match") || takes("Idempotency-Key") && !is_mapping;
    let names: &[&str] = match status {
        "200" if takes("limit") => &["Link", "X-Total-Count"],
        "201" if is_row => &["ETag", "Idempotency-Replayed"],
        "201" if takes("Idempotency-Key") => &["Idempotency-Replayed"],
        "200" | "304" if is_row => &["ETag"],
        _ => &[],
    };
    for name in names {
        response["headers"][*name] = reference("headers", name);
    }
}
