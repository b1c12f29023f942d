//! The directory of doctors, which all users share: adding, changing and deleting. `directory` reads it.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, Row as _, postgres::PgRow};

use super::{
    Db, Id, Model,
    caller::Caller,
    directory::Directory,
    idempotency::{Inserted, Key, insert_error},
    listing::{Column, Kind, Listed},
};
use crate::{
    auth::{CurrentUser, DirectoryEditor},
    error::{ApiError, FieldErrors, Result, constraint_error},
};

/// A doctor, as stored.
#[derive(serde::Deserialize)]
pub struct Doctor<S = String> {
    /// Its number.
    pub id: i64,
    pub first_name: S,
    /// Empty for a person with one name.
    pub last_name: S,
    pub specialty: S,
    pub phone_number: S,
    /// Unique, whatever the case of its letters.
    pub email: Option<S>,
    /// Unique.
    pub license_number: Option<S>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts the changes.
    pub version: i64,
}

impl Model for Doctor {
    const NAME: &'static str = "Doctor";
    const NOUN: &'static str = "doctor";

    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// The columns of `Listed::SELECT`, in its order.
impl<'r> FromRow<'r, PgRow> for Doctor<&'r str> {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            first_name: row.try_get_unchecked(1)?,
            last_name: row.try_get_unchecked(2)?,
            specialty: row.try_get_unchecked(3)?,
            phone_number: row.try_get_unchecked(4)?,
            email: row.try_get_unchecked(5)?,
            license_number: row.try_get_unchecked(6)?,
            created_at: row.try_get_unchecked(7)?,
            updated_at: row.try_get_unchecked(8)?,
            version: row.try_get_unchecked(9)?,
        })
    }
}

impl Listed for Doctor {
    type Row<'r> = Doctor<&'r str>;

    const SELECT: &'static str = "d.id, d.first_name, d.last_name, d.specialty, d.phone_number, \
        d.email, d.license_number, d.created_at, d.updated_at, d.version";
    const FROM: &'static str = "from doctors d where (select may_read from reader)";
    const ID: &'static str = "d.id";
    const SEARCH: Option<&'static str> = Some("d.search");
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

/// A doctor to add.
#[derive(serde::Serialize)]
pub struct NewDoctor {
    pub first_name: String,
    pub last_name: String,
    pub specialty: String,
    pub phone_number: String,
    pub email: Option<String>,
    pub license_number: Option<String>,
}

/// What to change of a doctor. None: left as it is; `Some(None)`: made null.
#[derive(Default, serde::Serialize)]
pub struct DoctorChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_number: Option<Option<String>>,
}

/// The directory, for a caller who changes it.
pub struct Doctors<'a> {
    db: &'a Db,
    user: &'a CurrentUser,
    must_be_staff: bool,
}

impl Db {
    /// The directory, for a caller who changes it: 403 for one who must be staff and is not. The statements check it once
    /// more, because a right may end meanwhile.
    pub async fn doctors<'a>(&'a self, editor: &'a DirectoryEditor) -> Result<Doctors<'a>> {
        let doctors = Doctors { db: self, user: editor.user(), must_be_staff: editor.must_be_staff() };
        doctors.check_right().await?;
        Ok(doctors)
    }
}

impl Doctors<'_> {
    async fn check_right(&self) -> Result<()> {
        if self.must_be_staff { self.db.check_staff(self.user).await } else { Ok(()) }
    }

    /// One of them.
    pub async fn get(&self, id: Id<Doctor>) -> Result<Doctor> {
        Directory::of(self.db, self.user).get(id).await
    }

    /// Adds one.
    pub async fn create(&self, new: &NewDoctor, key: Option<&Key>) -> Result<Inserted<Doctor>> {
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1))
            insert into doctors (
                first_name, last_name, specialty, phone_number, email, license_number)
            select $4, $5, $6, $7, $8, $9
            from actor, keyed($2, $3)
            where actor.is_staff or not $10
            returning id, first_name, last_name, specialty, phone_number, email, license_number,
                created_at, updated_at, version
            "#,
            Caller::of(self.user) as _,
            key.map(|key| key.key.as_str()),
            key.map(|key| key.fingerprint.as_slice()),
            new.first_name,
            new.last_name,
            new.specialty,
            new.phone_number,
            new.email,
            new.license_number,
            self.must_be_staff
        );
        let error = match doctor.fetch_optional(self.db.connection()).await {
            Ok(doctor) => {
                let doctor = self.permitted(doctor).await?;
                return self.db.found(self.user, Doctor::NAME, doctor).await.map(Inserted::now);
            }
            Err(error) => insert_error(key, error),
        };
        match self.db.replay(self.user, "doctors", key, error).await {
            Err(error) => Err(self.all_taken(error, new.email.as_deref(), new.license_number.as_deref(), None).await),
            replayed => replayed,
        }
    }

    /// Writes the fields that are set, and no others: see `Patients::update`.
    pub async fn update(&self, id: Id<Doctor>, change: &DoctorChange, version: Option<i64>) -> Result<Doctor> {
        let email = change.email.as_ref().and_then(Option::as_deref);
        let license_number = change.license_number.as_ref().and_then(Option::as_deref);
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1))
            update doctors d
            set first_name = coalesce($4, d.first_name), last_name = coalesce($5, d.last_name),
                specialty = coalesce($6, d.specialty), phone_number = coalesce($7, d.phone_number),
                email = case when $8 then $9 else d.email end,
                license_number = case when $10 then $11 else d.license_number end
            from actor
            where d.id = $2 and d.version = coalesce($3, d.version) and (actor.is_staff or not $12)
            returning d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email,
                d.license_number, d.created_at, d.updated_at, d.version
            "#,
            Caller::of(self.user) as _,
            id.get(),
            version,
            change.first_name,
            change.last_name,
            change.specialty,
            change.phone_number,
            change.email.is_some(),
            email,
            change.license_number.is_some(),
            license_number,
            self.must_be_staff
        );
        match doctor.fetch_optional(self.db.connection()).await {
            Ok(doctor) => {
                let doctor = self.permitted(doctor).await?;
                self.db.written(self.user, doctor, version, self.get(id)).await
            }
            Err(error) => Err(self.all_taken(error.into(), email, license_number, Some(id)).await),
        }
    }

    /// Deletes one, and the caller's own mappings with it.
    pub async fn delete(&self, id: Id<Doctor>, version: Option<i64>) -> Result<()> {
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            delete from doctors d
            using actor
            where d.id = $2 and d.version = coalesce($3, d.version) and (actor.is_staff or not $4)
            returning d.id
            "#,
            Caller::of(self.user) as _,
            id.get(),
            version,
            self.must_be_staff
        );
        let deleted = deleted.fetch_optional(self.db.connection()).await?;
        let deleted = self.permitted(deleted).await?;
        self.db.written(self.user, deleted, version, self.get(id)).await.map(drop)
    }

    /// What a write found: if it is nothing, the right may have ended.
    async fn permitted<T>(&self, row: Option<T>) -> Result<Option<T>> {
        if row.is_none() {
            self.check_right().await?;
        }
        Ok(row)
    }

    /// The error of a write, with every unique value that is taken. PostgreSQL names only one.
    async fn all_taken(
        &self,
        error: ApiError,
        email: Option<&str>,
        license_number: Option<&str>,
        except: Option<Id<Doctor>>,
    ) -> ApiError {
        let ApiError::Invalid(errors) = error else { return error };
        match self.taken(email, license_number, except).await {
            Ok(taken) if taken.is_empty() => ApiError::Invalid(errors),
            Ok(taken) => ApiError::Invalid(taken),
            Err(error) => error,
        }
    }

    /// Which of the two belong to a doctor other than `except`.
    pub async fn taken(
        &self,
        email: Option<&str>,
        license_number: Option<&str>,
        except: Option<Id<Doctor>>,
    ) -> Result<FieldErrors> {
        let taken = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1))
            select
                exists (
                    select from doctors
                    where id is distinct from $4 and lower(email) = lower($2)) as "email!",
                exists (
                    select from doctors
                    where id is distinct from $4 and license_number = $3) as "license_number!"
            from actor
            "#,
            Caller::of(self.user) as _,
            email,
            license_number,
            except.map(Id::get)
        );
        let Some(taken) = taken.fetch_optional(self.db.reading_connection()).await? else {
            return Ok(FieldErrors::default());
        };
        let constraints = [(taken.email, "doctors_email_key"), (taken.license_number, "doctors_license_number_key")];
        let constraints = constraints.into_iter().filter_map(|(is_taken, constraint)| is_taken.then_some(constraint));
        Ok(constraints.filter_map(|constraint| constraint_error("doctors", constraint)).collect())
    }
}
