//! Everybody's patients.

use super::table::{By, Column, Filter, Kind, Related, Table};

/// Genders, and their words.
pub const GENDERS: &[(&str, &str)] = &[("F", "Female"), ("M", "Male"), ("O", "Other")];

/// Everybody's patients.
pub static PATIENTS: Table = Table {
    name: "patients",
    sql: "patients",
    noun: "patient",
    title: "Patients",
    from: "patients t join users o on o.id = t.created_by",
    label: "concat_ws(' ', t.first_name, nullif(t.last_name, ''))",
    record: "to_jsonb(t) - 'search' || jsonb_build_object('created_by', o.email, 'owner', jsonb_build_array(o.id, o.email))",
    patient: Some("t.id"),
    columns: &[
        Column::new("name", "Name", "concat_ws(', ', nullif(t.last_name, ''), t.first_name)", Kind::Text)
            .ordered("fold(t.last_name)"),
        Column::new("date_of_birth", "Born", "t.date_of_birth", Kind::Day),
        Column::new("gender", "Gender", "t.gender", Kind::Choice(GENDERS)).ordered("t.gender collate \"C\""),
        Column::new("phone_number", "Phone", "t.phone_number", Kind::Text).ordered("t.phone_number collate \"C\""),
        Column::new("owner", "Owner", "jsonb_build_array(o.id, o.email)", Kind::Row("users"))
            .ordered_through("lower(o.email)", "t.created_by"),
        Column::new("created_at", "Added", "t.created_at", Kind::Time),
        Column::new("updated_at", "Updated", "t.updated_at", Kind::Time),
    ],
    filters: &[
        Filter::new("gender", "Gender", "t.gender", By::Choice(GENDERS)),
        Filter::new("created_at", "Added", "t.created_at", By::Age),
        Filter::new("updated_at", "Updated", "t.updated_at", By::Age),
        Filter::new("owner", "Owner", "t.created_by", By::Row("users")),
    ],
    related: &[Related { title: "Doctors", table: "mappings", filter: "patient" }],
    written: &[
        "created_by",
        "first_name",
        "last_name",
        "date_of_birth",
        "date_of_birth_estimated",
        "gender",
        "address",
        "phone_number",
        "email",
        "medical_history",
    ],
    ..Table::PLAIN
};
