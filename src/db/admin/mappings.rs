//! Which doctors look after which patients.

use super::table::{By, Column, Filter, Kind, Search, Table};

/// Which doctors look after which patients.
pub static MAPPINGS: Table = Table {
    name: "mappings",
    sql: "patient_doctor_mappings",
    noun: "mapping",
    title: "Mappings",
    is_link: true,
    twice: "This doctor looks after this patient already.",
    from: "patient_doctor_mappings t join patients p on p.id = t.patient_id join doctors d on d.id = t.doctor_id",
    label: "concat_ws(' ', p.first_name, nullif(p.last_name, ''), '·', d.first_name, nullif(d.last_name, ''))",
    record: "to_jsonb(t) || jsonb_build_object( \
            'patient', jsonb_build_array(p.id, concat_ws(' ', p.first_name, nullif(p.last_name, ''))), \
            'doctor', jsonb_build_array(d.id, concat_ws(' ', d.first_name, nullif(d.last_name, ''))))",
    version: "concat(t.patient_id, '/', t.doctor_id)",
    patient: Some("t.patient_id"),
    search: Search::Through(&[
        ("patients p join patient_doctor_mappings m on m.patient_id = p.id", "p.search"),
        ("doctors d join patient_doctor_mappings m on m.doctor_id = d.id", "d.search"),
    ]),
    columns: &[
        Column::new("number", "Mapping", "t.id", Kind::Number),
        Column::new(
            "patient",
            "Patient",
            "jsonb_build_array(p.id, concat_ws(' ', p.first_name, nullif(p.last_name, '')))",
            Kind::Row("patients"),
        )
        .ordered_through("fold(p.last_name)", "t.patient_id"),
        Column::new(
            "doctor",
            "Doctor",
            "jsonb_build_array(d.id, concat_ws(' ', d.first_name, nullif(d.last_name, '')))",
            Kind::Row("doctors"),
        )
        .ordered_through("fold(d.last_name)", "t.doctor_id"),
        Column::new("specialty", "Specialty", "d.specialty", Kind::Text)
            .ordered_through("fold(d.specialty)", "t.doctor_id"),
        Column::new("assigned_at", "Assigned", "t.assigned_at", Kind::Time),
    ],
    filters: &[
        Filter::new("assigned_at", "Assigned", "t.assigned_at", By::Age),
        Filter::new("patient", "Patient", "t.patient_id", By::Row("patients")),
        Filter::new("doctor", "Doctor", "t.doctor_id", By::Row("doctors")),
    ],
    // whose it is follows its patient, by a trigger and a foreign key
    written: &["patient_id", "doctor_id"],
    ..Table::PLAIN
};
