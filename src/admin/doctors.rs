//! Doctors at the admin.

use super::model::{Ask, Field, Model, Rules};
use crate::{api::doctors::DoctorInput, db::admin::doctors};

pub(super) static DOCTORS: Model = Model {
    table: &doctors::DOCTORS,
    fields: &[
        Field::text("first_name", "First name").required(),
        Field::text("last_name", "Last name").required(),
        Field::text("specialty", "Specialty").required(),
        Field::new("phone_number", "Phone", Ask::Line("tel")),
        Field::new("email", "E-mail", Ask::Line("email")).help("No two doctors share one."),
        Field::text("license_number", "License").help("No two doctors share one."),
    ],
    rules: Rules::of::<DoctorInput>(),
    is_account: false,
};
