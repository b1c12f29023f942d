//! The parameters of lists, conditions and keys, for the OpenAPI document.

use serde_json::{Value, json};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

use super::{
    conditional::Preconditions,
    idempotency::IdempotencyKey,
    query::{MAX_LIMIT, MAX_SEARCH, MAX_WORDS, Query, RANGES},
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

impl<T: Listed> IntoParams for Query<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let orderings = T::COLUMNS.iter().filter(|column| column.is_ordering);
        let orderings: Vec<String> =
            orderings.flat_map(|column| [column.name.to_owned(), format!("-{}", column.name)]).collect();
        let mut parameters = vec![
            query(
                "limit",
                "The rows of a page; the `Link` header leads to the next one. Left out: all rows.",
                &or_empty(&json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT })),
            ),
            query(
                "cursor",
                "Where a page begins: from the `Link` header of the page before, for the same list and ordering.",
                &json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$" }),
            ),
            query(
                "count",
                "Whether to say in `X-Total-Count` how many rows there are.",
                &or_empty(&json!({ "type": "boolean" })),
            ),
            query(
                "search",
                &format!(
                    "Up to {MAX_WORDS} words that are all in the row, in any case of letters, with or without accents."
                ),
                &json!({ "type": "string", "maxLength": MAX_SEARCH, "pattern": words() }),
            ),
            query(
                "ordering",
                "The one field that the rows are ordered by: from the least on, or with `-` from the greatest. Left out: `id`.",
                &or_empty(&json!({ "type": "string", "enum": orderings })),
            ),
        ];
        for column in T::COLUMNS {
            let description = format!("Rows with this `{}`.", column.name);
            parameters.push(query(column.name, &description, &schema(column)));
            let ranges = RANGES.iter().filter(|_| column.has_ranges());
            parameters.extend(ranges.map(|(range, comparison)| {
                let name = format!("{}__{range}", column.name);
                let description = format!("Rows whose `{}` is {} this.", column.name, comparison.words());
                query(&name, &description, &schema(column))
            }));
        }
        parameters
    }
}

/// No more words than a search may have, with spaces or commas between them.
fn words() -> String {
    let (word, space, others) = (r"[^\s,\u0000]+", r"[\s,]", MAX_WORDS - 1);
    format!("^{space}*({word}({space}+{word}){{0,{others}}}{space}*)?$")
}

fn schema(column: &Column) -> Value {
    match column.kind {
        Kind::Id => or_empty(&json!({ "type": "integer" })),
        Kind::Text | Kind::Email => json!({ "type": "string", "pattern": r"^[^\u0000]*$" }),
        Kind::Choice(choices) => or_empty(&json!({ "type": "string", "enum": choices })),
        Kind::Date => or_empty(&json!({ "type": "string", "format": "date" })),
        Kind::Time => or_empty(&json!({ "type": "string", "format": "date-time" })),
    }
}

/// An empty parameter was not filled in.
fn or_empty(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "enum": [""] }] })
}

impl IntoParams for Preconditions {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `ETag` that you read: the row is left alone if it has changed since.";
        vec![parameter("header", "If-Match", description, &json!({ "type": "string" }))]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "A text of your own, a new one for each row: sent again within 24 hours, the request makes \
                           nothing, and is answered as before.";
        let schema = &json!({ "type": "string", "pattern": r#"^("[!-~]{1,253}"|[!#-~][!-~]{0,254})$"# });
        vec![parameter("header", "Idempotency-Key", description, schema)]
    }
}
