//! The refusals that operations share, for the OpenAPI document. Each is shown by errors as they are answered.

use serde_json::{Map, Value, json};

use super::row_number;
use crate::{
    auth::{Unauthenticated, token::TokenFault},
    db::{Model, doctors::Doctor, mappings::Mapping, patients::Patient},
    error::ApiError,
    input::{self, BODY_LIMIT, FieldErrors},
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
pub(super) enum Of {
    All,
    /// Those that need a token.
    Callers,
    /// Those that take a body.
    Bodies,
    /// Those that answer JSON.
    Json,
    /// Those that have a number with this description in their path.
    Rows(String),
    /// Those that take this parameter.
    Parameter(&'static str),
}

impl Refusal {
    /// The status, as the document's keys are.
    pub(super) fn status(&self) -> String {
        let (_, error) = self.examples.first().expect("each has an example");
        error.status().as_str().to_owned()
    }

    /// The response object.
    pub(super) fn response(&self) -> Value {
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let schema = match self.name {
            "Unauthenticated" => reference("Unauthenticated"),
            "BadQuery" => json!({ "oneOf": [reference("QueryFaults"), reference("Detail")] }),
            _ => reference("Detail"),
        };
        let examples = self.examples.iter();
        let examples: Map<String, Value> =
            examples.map(|(name, error)| ((*name).to_owned(), json!({ "value": error.body() }))).collect();
        json!({
            "description": self.description,
            "content": { "application/json": {
                "schema": schema,
                "examples": examples,
            } },
        })
    }
}

/// All of them. Of those with one status the first one that applies is said.
pub(super) fn refusals() -> Vec<Refusal> {
    let mut refusals = of_parameters();
    refusals.extend(of_requests());
    refusals
}

/// Those that have to do with a parameter.
fn of_parameters() -> Vec<Refusal> {
    vec![
        Refusal {
            name: "BadQuery",
            description: "What is wrong with each parameter: all of it at once.",
            of: Of::Parameter("limit"),
            examples: vec![
                ("limit", bad_query("limit", "A valid integer is required.")),
                ("cursor", bad_query("cursor", "Invalid cursor.")),
                ("ordering", bad_query("ordering", &input::not_a_choice("x"))),
            ],
        },
        Refusal {
            name: "KeyInUse",
            description: "A request with the same `Idempotency-Key` is still under way.",
            of: Of::Parameter("Idempotency-Key"),
            examples: vec![("key", ApiError::KeyInUse)],
        },
        Refusal {
            name: "PreconditionFailed",
            description: "The row is another than `If-Match` says. Nothing was changed.",
            of: Of::Parameter("If-Match"),
            examples: vec![("changed", ApiError::PreconditionFailed)],
        },
        Refusal {
            name: "KeyReused",
            description: "The `Idempotency-Key` came with another body before. Nothing was made.",
            of: Of::Parameter("Idempotency-Key"),
            examples: vec![("key", ApiError::KeyReused)],
        },
        Refusal {
            name: "PreconditionRequired",
            description: "There is no `If-Match`, while the server takes no change without (`REQUIRE_IF_MATCH`).",
            of: Of::Parameter("If-Match"),
            examples: vec![("none", ApiError::PreconditionRequired)],
        },
    ]
}

fn of_requests() -> Vec<Refusal> {
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
        no_row::<Patient>("PatientNotFound"),
        no_row::<Doctor>("DoctorNotFound"),
        no_row::<Mapping>("MappingNotFound"),
        Refusal {
            name: "NotFound",
            description: "Nothing is served so: `format` in the query is none, or there is no such file.",
            of: Of::All,
            examples: vec![("format", ApiError::NotFound)],
        },
        Refusal {
            name: "NotAcceptable",
            description: "The `Accept` header takes no JSON.",
            of: Of::Json,
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
            examples: vec![("body", ApiError::TooLarge(BODY_LIMIT))],
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

fn no_row<T: Model>(name: &'static str) -> Refusal {
    Refusal {
        name,
        description: "There is no such thing, or it is not yours: nobody can tell which.",
        of: Of::Rows(row_number::<T>()),
        examples: vec![("no_row", ApiError::NoRow(T::NAME)), ("no_number", ApiError::NotFound)],
    }
}

fn bad_query(parameter: &str, message: &str) -> ApiError {
    ApiError::Invalid(FieldErrors::one(parameter, message))
}
