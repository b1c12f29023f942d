//! What is sent, and what answers are compared with.

use serde_json::{Value, json};

use super::PASSWORD;

/// README A's example of a registration.
pub fn alice_smith() -> Value {
    json!({ "name": "Alice Smith", "email": "alice@example.com", "password": PASSWORD })
}

/// README A's example of a patient.
pub fn john_doe() -> Value {
    json!({
        "first_name": "John",
        "last_name": "Doe",
        "date_of_birth": "1990-01-01",
        "gender": "M",
        "address": "123 Health St",
        "phone_number": "1234567890",
        "email": "john.doe@example.com",
        "medical_history": "No major issues",
    })
}

/// README A's example of a doctor.
pub fn emily_carter() -> Value {
    json!({
        "first_name": "Emily",
        "last_name": "Carter",
        "specialty": "Cardiology",
        "phone_number": "9876543210",
        "email": "emily.carter@example.com",
        "license_number": "LIC123",
    })
}

/// An object with some fields changed.
pub fn with(mut object: Value, changes: Value) -> Value {
    object.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    object
}

/// A row with null for its times, which were well written.
pub fn without_times(mut row: Value) -> Value {
    for key in ["created_at", "updated_at", "assigned_at"] {
        if let Some(time) = row.get_mut(key).map(Value::take) {
            let time = time.as_str().unwrap();
            assert!(time.ends_with('Z') && (time.len() == 27 || time.len() == 20), "{time}");
        }
    }
    row
}

/// The fields of an object as those of a form.
pub fn fields(object: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    object.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
}
