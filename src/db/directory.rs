//! The directory of doctors, for reading: by a caller, or by anybody if the setting PUBLIC_DOCTORS is true.

use super::{Db, Id, Model, caller::Caller, doctors::Doctor};
use crate::{
    auth::{CurrentUser, DirectoryReader},
    error::{ApiError, Result},
};

/// The directory, for reading.
pub struct Directory<'a> {
    db: &'a Db,
    /// None: anybody, because the directory is public.
    user: Option<&'a CurrentUser>,
}

impl Db {
    /// The directory, for whoever may read it.
    pub fn directory<'a>(&'a self, reader: &'a DirectoryReader) -> Directory<'a> {
        Directory { db: self, user: reader.user() }
    }
}

impl<'a> Directory<'a> {
    /// As a caller sees it.
    pub(super) fn of(db: &'a Db, user: &'a CurrentUser) -> Self {
        Self { db, user: Some(user) }
    }

    /// One of them.
    pub async fn get(&self, id: Id<Doctor>) -> Result<Doctor> {
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1))
            select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email,
                d.license_number, d.created_at, d.updated_at, d.version
            from doctors d
            where d.id = $3 and ($2 or exists (select from actor))
            "#,
            self.user.map_or_else(Caller::nobody, Caller::of) as _,
            self.user.is_none(),
            id.get()
        )
        .fetch_optional(self.db.reading_connection())
        .await?;
        match self.user {
            Some(user) => self.db.found(user, Doctor::NAME, doctor).await,
            None => doctor.ok_or(ApiError::NoRow(Doctor::NAME)),
        }
    }
}
