//! Everybody's rows, for staff. Every statement starts from the staff member, so a right that is taken away ends at once.

use super::{Db, reads::Read};
use crate::{
    auth::Staff,
    error::{ApiError, Result},
};

pub mod accounts;
pub mod audit;
pub mod doctors;
pub mod doors;
pub mod list;
pub mod mappings;
pub mod patients;
pub mod rows;
pub mod search;
pub mod table;
mod through;
pub mod users;
pub mod write;

pub use doors::Member;
pub use table::Table;

/// The tables that the admin shows.
pub const TABLES: [&Table; 4] = [&patients::PATIENTS, &doctors::DOCTORS, &mappings::MAPPINGS, &users::USERS];

/// The table of this name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.into_iter().find(|table| table.name == name)
}

/// What staff may do.
pub struct Admin {
    db: Db,
    staff: Staff,
    member: Member,
}

impl Admin {
    /// Who works here.
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// The bearer of the cookie.
    pub fn staff(&self) -> &Staff {
        &self.staff
    }

    /// What a statement found. Nothing: 401 if the login is over, else 404.
    async fn found<T>(&self, what: Option<T>) -> Result<T> {
        match what {
            Some(what) => Ok(what),
            None => self.check().await.and(Err(ApiError::NotFound)),
        }
    }

    /// Records which patients and mappings are shown.
    async fn shows(&self, table: &Table, rows: impl IntoIterator<Item = (i64, Option<i64>)>) -> Result<()> {
        let subjects = rows.into_iter().map(|(id, patient)| table.subject(id, patient));
        self.db.reads.record(Read::by_staff(&self.staff, &self.member, subjects)).await
    }
}

/// 403, where staff who are no superusers may not do something.
pub const FOR_SUPERUSERS: &str = "Only superusers change accounts of staff, and make staff or superusers of others.";
/// 409, where nobody could do everything any more.
pub const LAST_SUPERUSER: &str = "This is the last active superuser: make another one first.";
