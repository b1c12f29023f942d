//! From a row of Django's to a row of ours, by the rules of the API; or to all that is wrong with it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use crate::{
    accounts,
    api::{ages, doctors::DoctorInput, patients::PatientInput},
    auth::hashes::Hash,
    db::django::{Kind, Row},
    error::{ApiError, FieldErrors, NON_FIELD_ERRORS, Result, messages::NULL},
    input::{Body, integer, strip},
};

type Fields = Map<String, Value>;

/// The ids of the rows that are here as Django has them.
pub(super) type Taken = HashMap<Kind, HashSet<i64>>;

const TIMES: [&str; 5] = ["date_joined", "last_login", "created_at", "updated_at", "assigned_at"];
const RIGHTS: [&str; 3] = ["is_active", "is_staff", "is_superuser"];
/// What a user may be called.
const NAMES: [&str; 4] = ["name", "first_name", "last_name", "username"];

/// The columns of a row of ours, or why there can't be one. No message holds a value of the row.
pub(super) fn convert(kind: Kind, row: Row, taken: &Taken) -> Result<Value, FieldErrors> {
    let mut reading = Reading { fields: row.fields, columns: Fields::new(), errors: FieldErrors::default() };
    reading.fields.retain(|_, value| !value.is_null());
    reading.id(row.id);
    reading.times();
    match kind {
        Kind::Users => reading.user(),
        Kind::Patients => {
            reading.key("created_by", Kind::Users, taken);
            reading.patient();
        }
        Kind::Doctors => reading.doctor(),
        Kind::Mappings => {
            reading.key("patient", Kind::Patients, taken);
            reading.key("doctor", Kind::Doctors, taken);
        }
    }
    if reading.errors.is_empty() { Ok(reading.columns.into()) } else { Err(reading.errors) }
}

/// A row that is being read.
struct Reading {
    /// What is left of Django's row, without its nulls.
    fields: Fields,
    columns: Fields,
    errors: FieldErrors,
}

impl Reading {
    fn id(&mut self, id: i64) {
        if id < 1 {
            self.errors.add("id", "An id is 1 or more.");
        }
        self.columns.insert("id".into(), json!(id));
    }

    fn times(&mut self) {
        for field in TIMES {
            let Some(value) = self.fields.remove(field) else {
                continue;
            };
            match value.as_str().and_then(time) {
                Some(time) => drop(self.columns.insert(field.into(), json!(time))),
                None => self.errors.add(field, "This time is not in the years 1 to 9999."),
            }
        }
    }

    /// A row must belong to one that is here as Django has it: never to another one that has the same id.
    fn key(&mut self, field: &str, referred: Kind, taken: &Taken) {
        match self.fields.remove(field).and_then(|id| id.as_i64()) {
            None => self.errors.add(field, NULL),
            Some(id) if taken.get(&referred).is_some_and(|taken| taken.contains(&id)) => {
                self.columns.insert(field.into(), json!(id));
            }
            Some(id) => self.errors.add(field, format!("Row {id} of the {} is not taken.", referred.name())),
        }
    }

    fn user(&mut self) {
        for field in RIGHTS {
            if let Some(value) = self.fields.remove(field) {
                self.columns.insert(field.into(), json!(value == "true"));
            }
        }
        self.drop_blank(&NAMES);
        if !NAMES.iter().any(|name| self.fields.contains_key(*name))
            && let Some(email) = self.fields.get("email").cloned()
        {
            self.fields.insert("name".into(), email);
        }
        let hash = self.text("password").to_owned();
        if let Err(error) = Hash::parse(&hash) {
            self.errors.add("password", error.to_string());
        }
        self.columns.insert("password_hash".into(), json!(hash));
        // Django has judged the password: any text stands for it
        self.fields.insert("password".into(), json!("!"));
        let account = accounts::read_existing(&Body::from(self.fields.clone()));
        if let Some(account) = self.good(account) {
            self.columns.insert("email".into(), json!(account.email));
            self.columns.insert("username".into(), json!(account.username));
            self.columns.insert("name".into(), json!(account.name));
        }
    }

    fn patient(&mut self) {
        let one_name = self.one_name();
        let patient = Body::<PatientInput>::from(self.fields.clone()).new_value();
        let Some(mut patient) = self.good(patient) else {
            return;
        };
        if let Some(name) = one_name {
            (patient.first_name, patient.last_name) = (name, String::new());
        }
        if patient.date_of_birth_estimated {
            let age = self.fields.get("age").and_then(|age| integer(age).ok()).unwrap_or_default();
            patient.date_of_birth = ages::born_before(self.day_of_writing(), age);
        }
        self.add(json!(patient));
    }

    fn doctor(&mut self) {
        let one_name = self.one_name();
        let doctor = Body::<DoctorInput>::from(self.fields.clone()).new_value();
        let Some(mut doctor) = self.good(doctor) else {
            return;
        };
        if let Some(name) = one_name {
            (doctor.first_name, doctor.last_name) = (name, String::new());
        }
        self.add(json!(doctor));
    }

    /// The first name of somebody who has no last name. It is not split, though the API would.
    fn one_name(&mut self) -> Option<String> {
        if !self.is_blank("name") {
            self.drop_blank(&["first_name", "last_name"]);
        }
        if self.fields.contains_key("name") || self.is_blank("first_name") || !self.is_blank("last_name") {
            return None;
        }
        let first_name = self.fields.remove("first_name")?;
        self.fields.remove("last_name");
        self.fields.insert("name".into(), first_name);
        Some(strip(self.text("name")).to_owned())
    }

    /// When somebody said the age.
    fn day_of_writing(&self) -> NaiveDate {
        let time = self.columns.get("updated_at").or_else(|| self.columns.get("created_at"));
        let time = time.and_then(|time| serde_json::from_value::<DateTime<Utc>>(time.clone()).ok());
        time.unwrap_or_else(Utc::now).date_naive()
    }

    fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn is_blank(&self, field: &str) -> bool {
        strip(self.text(field)).is_empty()
    }

    fn drop_blank(&mut self, fields: &[&str]) {
        for field in fields {
            if self.is_blank(field) {
                self.fields.remove(*field);
            }
        }
    }

    fn good<T>(&mut self, read: Result<T>) -> Option<T> {
        let errors = match read {
            Ok(value) => return Some(value),
            Err(ApiError::Invalid(errors)) => errors,
            Err(error) => FieldErrors::one(NON_FIELD_ERRORS, error.to_string()),
        };
        let is_wrong_gender = errors.has("gender") && self.fields.contains_key("gender");
        self.errors = std::mem::take(&mut self.errors).and(errors);
        if is_wrong_gender {
            // the API's words quote the value
            self.errors.replace("gender", "This is not one of M, F, O, male, female and other.");
        }
        None
    }

    fn add(&mut self, columns: Value) {
        if let Value::Object(columns) = columns {
            self.columns.extend(columns);
        }
    }
}

/// PostgreSQL's text of a time.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok()?.to_utc();
    (1..=9999).contains(&time.year()).then_some(time)
}
