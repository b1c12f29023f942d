//! The refusals that operations share, for the OpenAPI document. Each is shown by errors as they are answered.

use serde_json::{Map, Value, json};

use crate::{
    auth::{Unauthenticated, token::TokenFault},
    error::ApiError,
};

/// A status, and why it is answered.
pub(super) struct Refusal {
    /// Its name among the document's components.
    pub(super) name: &'static str,
    description: &'static str,
    /// The operations that refuse so.
    pub(super) of: Of,
    /// Such refusals, by name.
    examples: Vec<(&'static str, ApiError)>,
}

/// Some of the operations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    All,
    /// Those that need a token.
    Callers,
    /// Those that take a body.
    Bodies,
}

impl Refusal {
    /// The status, as the document's keys are.
    pub(super) fn status(&self) -> String {
        let (_, error) = self.examples.first().expect("each has an example");
        error.status().as_str().to_owned()
    }

    /// The response object.
    pub(super) fn response(&self) -> Value {
        let is_401 = self.of == Of::Callers;
        let schema = if is_401 { "Unauthenticated" } else { "Detail" };
        let examples = self.examples.iter();
        let examples: Map<String, Value> = examples
            .map(|(name, error)| ((*name).to_owned(), json!({ "value": error.body() })))
            .collect();
        json!({
            "description": self.description,
            "content": { "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{schema}") },
                "examples": examples,
            } },
        })
    }
}

/// All of them, by status.
pub(super) fn refusals() -> Vec<Refusal> {
    let expired = Unauthenticated::AccessToken(TokenFault::Expired);
    vec![
        Refusal {
            name: "BadRequest",
            description: "The `Host` header is none that this server answers to.",
            of: Of::All,
            examples: vec![("host", ApiError::Malformed("Invalid Host header.".into()))],
        },
        Refusal {
            name: "Unauthenticated",
            description: "Who you are is not known, or no longer. This is said before anything else.",
            of: Of::Callers,
            examples: vec![
                ("no_token", Unauthenticated::NoCredentials.into()),
                ("expired_token", expired.into()),
                ("inactive_user", Unauthenticated::UserInactive.into()),
                ("no_user", Unauthenticated::UserNotFound.into()),
                ("bad_header", Unauthenticated::BadHeader.into()),
            ],
        },
        Refusal {
            name: "NotFound",
            description: "There is no such thing, or it is not yours: nobody can tell which. Or `format` in the query \
                          names another representation than `json`.",
            of: Of::All,
            examples: vec![
                ("no_row", ApiError::NoRow("Patient")),
                ("no_number", ApiError::NotFound),
            ],
        },
        Refusal {
            name: "NotAcceptable",
            description: "The `Accept` header takes no JSON.",
            of: Of::All,
            examples: vec![("accept", ApiError::NotAcceptable)],
        },
        Refusal {
            name: "RequestTimeout",
            description: "The body did not arrive within 10 seconds.",
            of: Of::Bodies,
            examples: vec![("body", ApiError::Timeout)],
        },
        Refusal {
            name: "ContentTooLarge",
            description: "The body is larger than 2 MiB.",
            of: Of::Bodies,
            examples: vec![("body", ApiError::TooLarge(2 * 1024 * 1024))],
        },
        Refusal {
            name: "UnsupportedMediaType",
            description: "The body is neither JSON nor a form.",
            of: Of::Bodies,
            examples: vec![("text", ApiError::UnsupportedMediaType("text/plain".into()))],
        },
        Refusal {
            name: "InternalServerError",
            description: "A fault of ours. Nothing was changed; `X-Request-Id` says where to look in the log.",
            of: Of::All,
            examples: vec![("fault", ApiError::Internal(String::new()))],
        },
        Refusal {
            name: "ServiceUnavailable",
            description: "The database is away, or there is more to do than can be done. Try again.",
            of: Of::All,
            examples: vec![("database", ApiError::Unavailable(String::new()))],
        },
    ]
}
