//! The error responses that operations share, for the OpenAPI document. Each shows errors as they are answered.

use serde_json::{Map, Value, json};

use crate::{
    db::{Model, patients::Patient},
    error::{
        ApiError, FieldErrors, TokenError, Unauthenticated,
        messages::{UNKNOWN_PARAMETER, not_a_choice},
    },
    input::BODY_LIMIT,
};

/// What an operation is like.
pub(super) struct Operation {
    pub(super) needs_token: bool,
    /// It may change something.
    pub(super) writes: bool,
    pub(super) has_body: bool,
    /// The names of its parameters.
    pub(super) parameters: Vec<String>,
}

impl Operation {
    pub(super) fn takes(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|name| name == parameter)
    }
}

/// An error response.
pub(super) struct ErrorResponse {
    /// Its name among the document's components.
    pub(super) name: &'static str,
    /// Whether an operation answers it.
    pub(super) applies: fn(&Operation) -> bool,
    description: &'static str,
    /// Such errors. All have the same status.
    errors: Vec<ApiError>,
}

impl ErrorResponse {
    /// The status, as the document's keys are.
    pub(super) fn status(&self) -> String {
        let error = self.errors.first().expect("each has an example");
        error.status().as_str().to_owned()
    }

    /// The response object.
    pub(super) fn response(&self) -> Value {
        let schema = match self.errors.first() {
            Some(ApiError::Unauthenticated(_)) => "UnauthenticatedBody",
            Some(ApiError::Invalid(_)) => "FieldErrors",
            _ => "Detail",
        };
        let example =
            |(number, error): (usize, &ApiError)| (format!("example {}", number + 1), json!({ "value": error.body() }));
        let examples: Map<String, Value> = self.errors.iter().enumerate().map(example).collect();
        let content = json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") }, "examples": examples });
        json!({ "description": self.description, "content": { "application/json": content } })
    }
}

/// All of them. Of those with one status the first one that applies is documented.
pub(super) fn error_responses() -> Vec<ErrorResponse> {
    let row = |name, applies, description, errors| ErrorResponse { name, applies, description, errors };
    let any: fn(&Operation) -> bool = |_| true;
    let with_body: fn(&Operation) -> bool = |operation| operation.has_body;
    let with_key: fn(&Operation) -> bool = |operation| operation.takes("Idempotency-Key");
    let with_tag: fn(&Operation) -> bool = |operation| operation.takes("If-Match");
    let wrong = |parameter: &str, message: &str| ApiError::Invalid(FieldErrors::one(parameter, message));
    let queries = vec![
        wrong("limit", "A valid integer is required."),
        wrong("ordering", &not_a_choice("x")),
        wrong("gendre", UNKNOWN_PARAMETER),
    ];
    let callers = [Unauthenticated::NoCredentials(None), Unauthenticated::AccessToken(TokenError::Expired)];
    let callers = callers.into_iter().chain([Unauthenticated::UserInactive, Unauthenticated::UserNotFound]);
    let callers = callers.map(ApiError::from).collect();
    let host = "The server does not answer to the name in the `Host` header.";
    let in_use = "A request with the same `Idempotency-Key` is still under way.";
    let reused = "The `Idempotency-Key` came with another body before. Nothing was made.";
    let changed = "It is not as `If-Match` says. Nothing was changed: read it again, then retry.";
    let not_found = "It does not exist, or it is not yours; or `format` in the query is not `json`.";
    let untagged = "`If-Match` is missing, and the server requires it (`REQUIRE_IF_MATCH`).";
    let bug = "A bug in the server. Nothing was changed. `X-Request-Id` leads the operator to the log.";
    let untyped = ApiError::UnsupportedMediaType("text/plain".into());
    vec![
        row("InvalidQuery", |operation| operation.takes("limit"), "The messages of each wrong parameter.", queries),
        row("BadRequest", any, host, vec![ApiError::BadRequest("Invalid Host header.".into())]),
        row("Unauthenticated", |operation| operation.needs_token, "The access token is missing or not good.", callers),
        row(
            "Forbidden",
            |operation| operation.needs_token && operation.writes,
            "Your token or your rights do not allow this.",
            vec![ApiError::Forbidden],
        ),
        row("NotFound", any, not_found, vec![ApiError::NoRow(Patient::NAME), ApiError::NotFound]),
        row("NotAcceptable", any, "`Accept` names neither JSON nor HTML.", vec![ApiError::NotAcceptable]),
        row("RequestTimeout", with_body, "The body took over 10 seconds to arrive.", vec![ApiError::RequestTimeout]),
        row("KeyInUse", with_key, in_use, vec![ApiError::KEY_IN_USE]),
        row("PreconditionFailed", with_tag, changed, vec![ApiError::PreconditionFailed]),
        row(
            "ContentTooLarge",
            with_body,
            "The body is over 2 MiB, or over 16 KiB below `/api/auth/`.",
            vec![ApiError::PayloadTooLarge(BODY_LIMIT)],
        ),
        row("UnsupportedMediaType", with_body, "The body is neither JSON nor a form.", vec![untyped]),
        row("KeyReused", with_key, reused, vec![ApiError::KeyReused]),
        row("PreconditionRequired", with_tag, untagged, vec![ApiError::PreconditionRequired]),
        row(
            "TooManyRequests",
            any,
            "Too many requests, or failed logins. Try again later.",
            vec![ApiError::Throttled(42)],
        ),
        row("InternalServerError", any, bug, vec![ApiError::Internal(String::new())]),
        row(
            "ServiceUnavailable",
            any,
            "The database is away, or the server is too busy. Try again.",
            vec![ApiError::Unavailable(String::new())],
        ),
    ]
}
