//! What is taken of each table, and how the columns are called in services that Django's tutorials inspired.

use crate::db::django::{Cast, Kind};

/// A field, as the API calls it.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) cast: Cast,
    /// The columns that may hold it: the first one that is there does.
    pub(super) columns: &'static [&'static str],
    /// The table that it refers to.
    pub(super) refers_to: Option<Kind>,
}

const fn text(name: &'static str, columns: &'static [&'static str]) -> Field {
    Field { name, cast: Cast::Text, columns, refers_to: None }
}

const fn time(name: &'static str, columns: &'static [&'static str]) -> Field {
    Field { name, cast: Cast::Time, columns, refers_to: None }
}

const fn key(name: &'static str, columns: &'static [&'static str], refers_to: Kind) -> Field {
    Field { name, cast: Cast::Key, columns, refers_to: Some(refers_to) }
}

const ID: Field = Field { name: "id", cast: Cast::Key, columns: &["id"], refers_to: None };
const FIRST_NAME: Field = text("first_name", &["first_name", "firstname"]);
const LAST_NAME: Field = text("last_name", &["last_name", "lastname", "surname"]);
const NAME: Field = text("name", &["name", "full_name", "fullname"]);
const PHONE_NUMBER: Field =
    text("phone_number", &["phone_number", "phone", "contact_number", "contact", "mobile_number", "mobile"]);
const EMAIL: Field = text("email", &["email", "email_address", "contact_email"]);
const CREATED_AT: Field = time("created_at", &["created_at", "created", "date_created", "created_on"]);
const UPDATED_AT: Field = time("updated_at", &["updated_at", "updated", "modified_at", "modified", "updated_on"]);

const USERS: &[Field] = &[
    ID,
    EMAIL,
    text("username", &["username", "user_name"]),
    NAME,
    FIRST_NAME,
    LAST_NAME,
    text("password", &["password"]),
    text("is_active", &["is_active"]),
    text("is_staff", &["is_staff", "is_admin"]),
    text("is_superuser", &["is_superuser"]),
    time("date_joined", &["date_joined", "created_at", "created"]),
    time("last_login", &["last_login"]),
];

const PATIENTS: &[Field] = &[
    ID,
    key("created_by", &["created_by_id", "owner_id", "user_id", "created_by", "owner", "user"], Kind::Users),
    FIRST_NAME,
    LAST_NAME,
    NAME,
    text("date_of_birth", &["date_of_birth", "dob", "birth_date", "birthdate"]),
    text("age", &["age"]),
    text("gender", &["gender", "sex"]),
    text("address", &["address"]),
    PHONE_NUMBER,
    EMAIL,
    text("medical_history", &["medical_history", "history", "medical_notes"]),
    CREATED_AT,
    UPDATED_AT,
];

const DOCTORS: &[Field] = &[
    ID,
    FIRST_NAME,
    LAST_NAME,
    NAME,
    text("specialty", &["specialty", "specialization", "speciality", "specialisation"]),
    PHONE_NUMBER,
    EMAIL,
    text("license_number", &["license_number", "licence_number", "license_no", "license"]),
    CREATED_AT,
    UPDATED_AT,
];

const MAPPINGS: &[Field] = &[
    ID,
    key("patient", &["patient_id", "patient"], Kind::Patients),
    key("doctor", &["doctor_id", "doctor"], Kind::Doctors),
    time("assigned_at", &["assigned_at", "assigned_date", "assigned_on", "date_assigned", "created_at", "created"]),
];

/// The fields of a table.
pub(super) fn of(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Users => USERS,
        Kind::Patients => PATIENTS,
        Kind::Doctors => DOCTORS,
        Kind::Mappings => MAPPINGS,
    }
}

/// The fields that a table must have, each with those that may be there in its place. A table is known by them.
pub(super) fn required(kind: Kind) -> &'static [&'static [&'static str]] {
    match kind {
        Kind::Users => &[&["id"], &["email"], &["password"], &["last_login"]],
        Kind::Patients => &[&["id"], &["created_by"], &["first_name", "name"], &["date_of_birth", "age"], &["gender"]],
        Kind::Doctors => &[&["id"], &["first_name", "name"], &["specialty"]],
        Kind::Mappings => &[&["id"], &["patient"], &["doctor"]],
    }
}
