//! The directory of doctors.

use super::table::{By, Column, Filter, Kind, Related, Table};

/// The directory of doctors.
pub static DOCTORS: Table = Table {
    name: "doctors",
    sql: "doctors",
    noun: "doctor",
    title: "Doctors",
    from: "doctors t",
    label: "concat_ws(' ', t.first_name, nullif(t.last_name, ''))",
    columns: &[
        Column::new("name", "Name", "concat_ws(', ', nullif(t.last_name, ''), t.first_name)", Kind::Text)
            .ordered("fold(t.last_name)"),
        Column::new("specialty", "Specialty", "t.specialty", Kind::Text).ordered("fold(t.specialty)"),
        Column::new("phone_number", "Phone", "t.phone_number", Kind::Text),
        Column::new("email", "E-mail", "t.email", Kind::Text).ordered("coalesce(lower(t.email), '')"),
        Column::new("license_number", "License", "t.license_number", Kind::Text)
            .ordered("coalesce(t.license_number, '')"),
        Column::new("created_at", "Added", "t.created_at", Kind::Time),
        Column::new("updated_at", "Updated", "t.updated_at", Kind::Time),
    ],
    filters: &[
        // from one specialty to the next, along their index
        Filter::new(
            "specialty",
            "Specialty",
            "t.specialty",
            By::Value(
                "with recursive found as (
                    (select d.specialty from doctors d order by fold(d.specialty), d.id limit 1)
                    union all
                    select (
                        select d.specialty from doctors d where fold(d.specialty) > fold(f.specialty)
                        order by fold(d.specialty), d.id limit 1)
                    from found f where f.specialty is not null)
                select specialty as value from found where specialty is not null limit 40",
            ),
        ),
        Filter::new("created_at", "Added", "t.created_at", By::Age),
        Filter::new("updated_at", "Updated", "t.updated_at", By::Age),
    ],
    related: &[Related { title: "Patients", table: "mappings", filter: "doctor" }],
    written: &["first_name", "last_name", "specialty", "phone_number", "email", "license_number"],
    ..Table::PLAIN
};
