//! Parts of the OpenAPI document that refer to no struct: schemas and headers.

use serde_json::{Map, Value, json};

/// The schemas that refer to no struct.
pub(super) fn common_schemas() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let integers = (i64::MIN, u64::MAX);
    let schemas = json!({
        "Detail": {
            "type": "object",
            "description": "Why a request was refused.",
            "properties": { "detail": text },
            "required": ["detail"],
        },
        "Unauthenticated": {
            "type": "object",
            "description": "Why a caller is not let in.",
            "properties": {
                "detail": text,
                "code": {
                    "type": "string",
                    "enum": ["bad_authorization_header", "token_not_valid", "user_not_found", "user_inactive"],
                },
                "messages": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": { "token_class": text, "token_type": text, "message": text },
                        "required": ["token_class", "token_type", "message"],
                    },
                },
            },
            "required": ["detail"],
        },
        "QueryFaults": {
            "type": "object",
            "description": "The messages of each parameter that is at fault.",
            "additionalProperties": { "$ref": "#/components/schemas/Messages" },
            "minProperties": 1,
        },
        "Messages": { "type": "array", "items": text, "minItems": 1 },
        "NumberAsText": {
            "type": "number",
            "description": "A number is taken as the text that it is written with. More than 64 bits of digits would be lost.",
            "minimum": integers.0,
            "maximum": integers.1,
        },
        "IntegerAsText": {
            "type": "integer",
            "description": "An integer is taken as the text that it is written with. More than 64 bits of digits would be lost.",
            "minimum": integers.0,
            "maximum": integers.1,
        },
    });
    schemas.as_object().cloned().unwrap_or_default()
}

/// What the headers of answers say.
pub(super) fn headers() -> Value {
    let header = |description: &str, schema: Value, example: Value| json!({ "description": description, "schema": schema, "example": example });
    let text = json!({ "type": "string" });
    json!({
        "X-Request-Id": header(
            "The request, as the log and the audit name it.",
            json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }),
            json!("5f0c6d1e9b8a47d2a3c4e5f60718293a"),
        ),
        "Allow": header("The methods that the path takes.", text.clone(), json!("GET, POST, HEAD, OPTIONS")),
        "WWW-Authenticate": header("How to say who you are (RFC 6750).", text.clone(), json!("Bearer realm=\"api\"")),
        "ETag": header(
            "The version of the row, and a hash of what is shown of it (RFC 9110, 8.8.3).",
            json!({ "type": "string", "pattern": "^\"[0-9]+-[0-9a-f]{16}\"$" }),
            json!("\"1-5f0c6d1e9b8a47d2\""),
        ),
        "Link": header(
            "Where the next page is, if there is one (RFC 8288).",
            text,
            json!("</api/patients/?limit=100&cursor=…>; rel=\"next\""),
        ),
        "X-Total-Count": header("How many rows there are, if `count` asks for it.", json!({ "type": "integer" }), json!(166)),
        "Idempotency-Replayed": header(
            "`true`: nothing was made, this is the answer to the first request with the key.",
            json!({ "const": "true" }),
            json!("true"),
        ),
        "Retry-After": header("In so many seconds.", json!({ "type": "integer" }), json!(1)),
    })
}
