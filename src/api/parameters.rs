//! The parameters of lists, conditions and keys, for the OpenAPI document.

use serde_json::{Value, json};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use super::{
    conditional::Preconditions,
    document::reference,
    idempotency::IdempotencyKey,
    query::{ListQuery, MAX_LIMIT, MAX_SEARCH, MAX_WORDS, RANGES},
};
use crate::db::listing::{Column, Kind, Listed};

fn parameter(place: &str, name: &str, description: &str, schema: &Value) -> Parameter {
    let parameter = json!({
        "name": name, "in": place, "required": false, "description": description, "schema": schema,
    });
    serde_json::from_value(parameter).expect("a parameter")
}

fn query(name: &str, description: &str, schema: &Value) -> Parameter {
    parameter("query", name, description, schema)
}

impl<T: Listed> IntoParams for ListQuery<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let orderings = T::COLUMNS.iter().filter(|column| column.is_ordering);
        let orderings = orderings.flat_map(|column| {
            let name = column.name.to_ascii_uppercase();
            [(column.name.to_owned(), name.clone()), (format!("-{}", column.name), format!("{name}_DESCENDING"))]
        });
        let (orderings, ordering_names): (Vec<_>, Vec<_>) = orderings.unzip();
        let text = json!({ "type": "string" });
        let mut parameters = vec![
            query(
                "limit",
                "Number of rows in a page; the `Link` header has the address of the next one. Default: all rows.",
                &json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT }),
            ),
            query("cursor", "Where a page begins. Follow the `Link` header instead of making one.", &text),
            query("count", "Return the number of all rows in `X-Total-Count`.", &json!({ "type": "boolean" })),
            query(
                "search",
                &format!("Rows that contain all of these words, at most {MAX_WORDS}. Case and accents do not matter."),
                &json!({ "type": "string", "maxLength": MAX_SEARCH }),
            ),
            query(
                "ordering",
                &format!("Sort field; prefix `-` for descending. Default: `{}`.", T::ORDERING),
                &json!({ "type": "string", "enum": orderings, "x-enum-varnames": ordering_names }),
            ),
        ];
        parameters.retain(|parameter| parameter.name != "search" || T::SEARCH.is_some());
        for column in T::COLUMNS {
            let description = format!("Only rows with this `{}`.", column.name);
            parameters.push(query(column.name, &description, &schema(column)));
            let ranges = RANGES.iter().filter(|_| column.has_ranges());
            parameters.extend(ranges.map(|(range, comparison)| {
                let name = format!("{}__{range}", column.name);
                let description = format!("Only rows whose `{}` is {} this.", column.name, comparison.words());
                query(&name, &description, &schema(column))
            }));
        }
        let description = "With `handling=strict` (RFC 7240) an unknown parameter is an error. Else it is ignored, and \
                           named in the `Ignored-Parameters` header.";
        parameters.push(parameter("header", "Prefer", description, &text));
        parameters
    }
}

fn schema(column: &Column) -> Value {
    match column.kind {
        Kind::Id | Kind::Ids => json!({ "type": "integer" }),
        Kind::Text | Kind::Email => json!({ "type": "string" }),
        Kind::Choice(name, _) => reference("schemas", name),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
    }
}

/// `?format=`, which every operation accepts. The document names it where a required body would stand without an optional
/// parameter: openapi-python-client makes a module there that Python 3.13 can't import
/// (openapi-generators/openapi-python-client#1451).
pub(super) struct Format;

impl IntoParams for Format {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![query("format", "The format of the answer: only JSON.", &json!({ "type": "string", "enum": ["json"] }))]
    }
}

impl IntoParams for Preconditions {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "The `ETag` that you read. If the row has changed since, the answer is 412 and nothing is changed.";
        vec![parameter("header", "If-Match", description, &json!({ "type": "string" }))]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "A text of your own, a new one for each row, such as a UUID. A request that is sent again with \
                           it within 24 hours makes nothing and gets the same answer.";
        let schema = &json!({ "type": "string", "minLength": 1, "maxLength": 255 });
        vec![parameter("header", "Idempotency-Key", description, schema)]
    }
}
