//! What each path serves, according to the OpenAPI document: the `Allow` header, and the answers to `OPTIONS` and to
//! methods that the path does not have.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, State},
    http::{HeaderValue, Method, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use utoipa::openapi::{OpenApi, PathItem, RefOr, path::Operation};

use super::{answer::Json, file::File, state::AppState};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result, Unauthenticated},
};

/// Every path, and the document that describes them.
#[derive(Clone)]
pub struct Endpoints(Arc<Served>);

struct Served {
    document: File,
    paths: HashMap<String, Endpoint>,
}

struct Endpoint {
    allow: HeaderValue,
    /// None of its operations needs a token.
    is_public: bool,
    /// Its POST takes an `Idempotency-Key`.
    takes_key: bool,
    /// At least one of its operations needs no token.
    is_readable: bool,
    view: String,
}

impl Endpoints {
    /// `openapi` has all paths; `document` is what clients get.
    pub fn new(openapi: &OpenApi, document: &Value) -> Self {
        let document = File::new("application/json", document.to_string().into_bytes());
        let paths = openapi.paths.paths.iter().map(|(path, item)| (path.clone(), Endpoint::new(path, item)));
        Self(Arc::new(Served { document, paths: paths.collect() }))
    }

    /// The OpenAPI document.
    pub fn document(&self) -> &File {
        &self.0.document
    }

    /// Whether a POST to a path takes an `Idempotency-Key`.
    pub fn takes_key(&self, path: &MatchedPath) -> bool {
        let endpoint = self.0.paths.get(path.as_str());
        endpoint.is_some_and(|endpoint| endpoint.takes_key)
    }

    /// The `Allow` header of a path.
    pub fn allow(&self, path: &MatchedPath) -> Option<HeaderValue> {
        Some(self.0.paths.get(path.as_str())?.allow.clone())
    }
}

impl Endpoint {
    fn new(path: &str, item: &PathItem) -> Self {
        let operations = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
            ("HEAD", &item.get),
        ];
        let mut methods: Vec<&str> = Vec::new();
        let (mut some, mut all) = (false, true);
        for (method, operation) in operations {
            if let Some(operation) = operation {
                methods.push(method);
                let is_public = operation.security.is_some();
                (some, all) = (some || is_public, all && is_public);
            }
        }
        methods.push("OPTIONS");
        let allow = HeaderValue::from_str(&methods.join(", ")).expect("made of method names");
        Self {
            allow,
            takes_key: item.post.as_ref().is_some_and(takes_key),
            is_public: all,
            is_readable: some,
            view: view_name(path),
        }
    }
}

fn takes_key(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| matches!(parameter, RefOr::T(own) if own.name == "Idempotency-Key"))
}

/// The name that Django REST framework gives the view of a path: "Patient List", "Patient Instance", "Register".
fn view_name(path: &str) -> String {
    let words: Vec<&str> = path.split(['/', '-', '.']).filter(|word| !word.is_empty() && *word != "api").collect();
    let title = |word: &&str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    match words.as_slice() {
        [] => "Api Root".into(),
        ["auth", words @ ..] => words.iter().map(title).collect::<Vec<_>>().join(" "),
        [resource, rest @ ..] => {
            let kind = if rest == ["{id}"] { "Instance" } else { "List" };
            format!("{} {kind}", title(&resource.strip_suffix('s').unwrap_or(resource)))
        }
    }
}

/// Answers a method without a handler: `OPTIONS`, or 405. It needs a token, unless the path is public.
pub async fn other_method(State(state): State<AppState>, path: MatchedPath, mut parts: Parts) -> Result<Response> {
    let endpoint = state.endpoints.0.paths.get(path.as_str()).ok_or(ApiError::NotFound)?;
    let answer = if parts.method == Method::OPTIONS {
        Ok(metadata(endpoint))
    } else {
        Err(ApiError::MethodNotAllowed(parts.method.clone()))
    };
    if endpoint.is_public {
        return answer;
    }
    match CurrentUser::from_request_parts(&mut parts, &state).await {
        Ok(user) => state.db.check(&user).await?,
        Err(ApiError::Unauthenticated(Unauthenticated::NoCredentials(_)))
            if endpoint.is_readable && parts.method == Method::OPTIONS => {}
        Err(error) => return Err(error),
    }
    answer
}

fn metadata(endpoint: &Endpoint) -> Response {
    Json(json!({
        "name": endpoint.view,
        "description": "",
        "renders": ["application/json"],
        "parses": ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
    }))
    .into_response()
}
