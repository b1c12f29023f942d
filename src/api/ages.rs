//! Ages: README B has them in place of dates of birth.

use chrono::{Months, NaiveDate, Utc};

/// The date of birth for an age: that many years ago today (the convention of OpenMRS).
pub(super) fn born(age: i64) -> NaiveDate {
    let months = u32::try_from(age * 12).unwrap_or(0);
    let today = Utc::now().date_naive();
    today.checked_sub_months(Months::new(months)).unwrap_or(today)
}

/// Whole years until today, in UTC.
pub(super) fn today(date_of_birth: NaiveDate) -> u32 {
    Utc::now().date_naive().years_since(date_of_birth).unwrap_or(0)
}
