//! Ages: README B has them in place of dates of birth.

use chrono::{Months, NaiveDate, Utc};

/// The date of birth for an age: that many years ago today (the convention of OpenMRS).
pub(super) fn born(age: i64) -> NaiveDate {
    born_before(Utc::now().date_naive(), age)
}

/// The date of birth for an age on a day.
pub fn born_before(day: NaiveDate, age: i64) -> NaiveDate {
    let months = u32::try_from(age * 12).unwrap_or(0);
    day.checked_sub_months(Months::new(months)).unwrap_or(day)
}

/// Whole years until today, in UTC.
pub fn today(date_of_birth: NaiveDate) -> u32 {
    Utc::now().date_naive().years_since(date_of_birth).unwrap_or(0)
}
