//! Mappings at the admin.

use super::model::{Ask, Field, Model, Rules};
use crate::db::admin::mappings;

pub(super) static MAPPINGS: Model = Model {
    table: &mappings::MAPPINGS,
    fields: &[
        Field::new("patient", "Patient", Ask::Pick("patients", "patient_id"))
            .help("Type a name, a phone number or a number.")
            .required()
            .kept("A mapping keeps its patient: delete it, and add another."),
        Field::new("doctor", "Doctor", Ask::Pick("doctors", "doctor_id"))
            .help("Type a name, a specialty or a number.")
            .required(),
    ],
    rules: Rules::PICKS,
    is_account: false,
};
