//! What each list is made of, and what it can be filtered and ordered by.

use super::{Column, Kind, Listed};
use crate::db::{doctors::Doctor, mappings::Mapping, patients::Patient};

impl Listed for Patient {
    const SELECT: &'static str = "p.id, p.first_name, p.last_name, p.date_of_birth, \
        p.date_of_birth_estimated, p.gender, p.address, p.phone_number, p.email, \
        p.medical_history, (select email from actor) as created_by, p.created_at, p.updated_at, \
        p.version";
    const FROM: &'static str = "from patients p where p.created_by = (select id from actor)";
    const ID: &'static str = "p.id";
    const SEARCH: &'static str = "p.search";
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("id", "p.id", Kind::Id),
        Column::ordered("first_name", "p.first_name", Kind::Text),
        Column::ordered("last_name", "p.last_name", Kind::Text),
        Column::ordered("date_of_birth", "p.date_of_birth", Kind::Date),
        Column::filtered("gender", "p.gender", Kind::Choice(&["M", "F", "O"])),
        Column::filtered("phone_number", "p.phone_number", Kind::Text),
        Column::filtered("email", "lower(p.email)", Kind::Email),
        Column::ordered("created_at", "p.created_at", Kind::Time),
        Column::ordered("updated_at", "p.updated_at", Kind::Time),
    ];
}

impl Listed for Doctor {
    const SELECT: &'static str = "d.id, d.first_name, d.last_name, d.specialty, d.phone_number, \
        d.email, d.license_number, d.created_at, d.updated_at, d.version";
    const FROM: &'static str = "from doctors d where (select may_read from reader)";
    const ID: &'static str = "d.id";
    const SEARCH: &'static str = "d.search";
    const IS_OWNED: bool = false;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("id", "d.id", Kind::Id),
        Column::ordered("first_name", "d.first_name", Kind::Text),
        Column::ordered("last_name", "d.last_name", Kind::Text),
        Column::ordered("specialty", "d.specialty", Kind::Text),
        Column::filtered("phone_number", "d.phone_number", Kind::Text),
        Column::filtered("email", "lower(d.email)", Kind::Email),
        Column::filtered("license_number", "d.license_number", Kind::Text),
        Column::ordered("created_at", "d.created_at", Kind::Time),
        Column::ordered("updated_at", "d.updated_at", Kind::Time),
    ];
}

impl Listed for Mapping {
    const SELECT: &'static str = "m.id, m.patient_id, m.doctor_id, \
        p.first_name as patient_first_name, p.last_name as patient_last_name, \
        d.first_name as doctor_first_name, d.last_name as doctor_last_name, m.assigned_at";
    const FROM: &'static str = "from patient_doctor_mappings m \
        join patients p on p.id = m.patient_id join doctors d on d.id = m.doctor_id \
        where m.created_by = (select id from actor)";
    const ID: &'static str = "m.id";
    const SEARCH: &'static str = "concat(p.search, ' ', d.search)";
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("id", "m.id", Kind::Id),
        Column::filtered("patient", "m.patient_id", Kind::Id),
        Column::filtered("doctor", "m.doctor_id", Kind::Id),
        Column::ordered("assigned_at", "m.assigned_at", Kind::Time),
    ];
}
