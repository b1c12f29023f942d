//! What Python makes of texts and values: Django REST framework trims with the one, and quotes the other in its messages.

use serde_json::Value;

/// A text as Python's `strip` trims it: Unicode's white space, and the four separators of ASCII.
pub fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

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
            let items = items.iter().map(|(key, value)| format!("'{key}': {}", python_repr(value)));
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
