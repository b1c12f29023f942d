//! The directory of doctors, for reading: by a caller, or by anybody if the setting PUBLIC_DOCTORS is true.

use sqlx::PgConnection;

use super::{
    Db, Id, Model,
    caller::{Caller, Refusal},
    doctors::Doctor,
    shared::{Found, Place, SharedRead},
};
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
        match self.user {
            Some(user) => {
                let answer = self.db.shared.doctors.ask(user, id.get(), self.db.limit).await?;
                self.db.only(user, Doctor::NAME, answer)
            }
            None => self.for_anybody(id).await?.ok_or(ApiError::NoRow(Doctor::NAME)),
        }
    }

    async fn for_anybody(&self, id: Id<Doctor>) -> Result<Option<Doctor>> {
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email,
                d.license_number, d.created_at, d.updated_at, d.version
            from doctors d
            where d.id = $1
            "#,
            id.get()
        );
        Ok(doctor.fetch_optional(self.db.reading_connection()).await?)
    }
}

/// One doctor, for whoever may call.
pub(super) struct One;

impl SharedRead for One {
    type Row = Doctor;

    async fn read(connection: &mut PgConnection, callers: &[Caller], keys: &[i64]) -> sqlx::Result<Vec<Found<Doctor>>> {
        let rows = sqlx::query!(
            r#"
            with actor as (select * from actors($1))
            select a.n as "n!", a.user_id as "user_id!", coalesce(a.is_staff, false) as "is_staff!",
                a.refusal as "refusal: Refusal", d.id as "id?", d.first_name as "first_name?",
                d.last_name as "last_name?", d.specialty as "specialty?", d.phone_number as "phone_number?",
                d.email as "email?", d.license_number as "license_number?", d.created_at as "created_at?",
                d.updated_at as "updated_at?", d.version as "version?"
            from actor a
            left join lateral (
                select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email, d.license_number,
                    d.created_at, d.updated_at, d.version
                from doctors d
                where d.id = ($2::bigint[])[a.n] and a.refusal is null
                offset 0) d on true
            "#,
            callers as _,
            keys
        );
        let rows = rows.fetch_all(connection).await?.into_iter().map(|row| Found {
            place: Place { n: row.n, user_id: row.user_id, is_staff: row.is_staff, refusal: row.refusal },
            key: row.id,
            owner: None,
            row: Some(row).and_then(|row| {
                Some(Doctor {
                    id: row.id?,
                    first_name: row.first_name?,
                    last_name: row.last_name?,
                    specialty: row.specialty?,
                    phone_number: row.phone_number?,
                    email: row.email,
                    license_number: row.license_number,
                    created_at: row.created_at?,
                    updated_at: row.updated_at?,
                    version: row.version?,
                })
            }),
        });
        Ok(rows.collect())
    }
}
