//! Python's words for JSON values, which Django REST framework quotes in its messages.

use serde_json::Value;

/// A value as Python's `str` prints it: Django REST framework quotes it in the message.
pub fn python_str(value: &Value) -> String {
    match value {
        Value::String(string) => string.clone(),
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(items) => {
            let items = items
                .iter()
                .map(|(key, value)| format!("'{key}': {}", python_repr(value)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
    }
}

fn python_repr(value: &Value) -> String {
    match value {
        Value::String(string) => format!("'{string}'"),
        other => python_str(other),
    }
}
