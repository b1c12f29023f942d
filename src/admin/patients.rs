//! Patients at the admin.

use super::model::{Ask, Field, Model, Rules};
use crate::{
    api::patients::PatientInput,
    db::admin::patients::{self, GENDERS},
};

pub(super) static PATIENTS: Model = Model {
    table: &patients::PATIENTS,
    fields: &[
        Field::new("owner", "Owner", Ask::Pick("users", "created_by"))
            .help("Whose patient it is: type a name, an e-mail or a number.")
            .required(),
        Field::text("first_name", "First name").required(),
        Field::text("last_name", "Last name").required(),
        Field::new("date_of_birth", "Date of birth", Ask::Line("date")),
        Field::new("age", "Age", Ask::Number).help("If the date of birth is not known."),
        Field::new("gender", "Gender", Ask::Choice(GENDERS)).required(),
        Field::new("phone_number", "Phone", Ask::Line("tel")),
        Field::new("email", "E-mail", Ask::Line("email")),
        Field::new("address", "Address", Ask::Area(3)),
        Field::new("medical_history", "Medical history", Ask::Area(8)),
    ],
    rules: Rules::of::<PatientInput>(),
    is_account: false,
};
