//! The directory of doctors, which all users share.

use chrono::{DateTime, Utc};

use super::{Db, Id, Model};
use crate::{
    auth::{CurrentUser, DirectoryReader},
    error::{ApiError, Result, constraint_fault},
    input::FieldErrors,
};

/// A doctor, as stored.
pub struct Doctor {
    /// Its number.
    pub id: i64,
    pub first_name: String,
    /// Empty for a person with one name.
    pub last_name: String,
    pub specialty: String,
    pub phone_number: String,
    /// Of this doctor alone, whatever the case.
    pub email: Option<String>,
    /// Of this doctor alone.
    pub license_number: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts the changes.
    pub version: i64,
}

impl Model for Doctor {
    const NAME: &'static str = "Doctor";
}

/// What a client may set of a doctor.
#[derive(Clone, Default, PartialEq)]
pub struct DoctorFields {
    pub first_name: String,
    pub last_name: String,
    pub specialty: String,
    pub phone_number: String,
    pub email: Option<String>,
    pub license_number: Option<String>,
}

impl From<&Doctor> for DoctorFields {
    fn from(doctor: &Doctor) -> Self {
        Self {
            first_name: doctor.first_name.clone(),
            last_name: doctor.last_name.clone(),
            specialty: doctor.specialty.clone(),
            phone_number: doctor.phone_number.clone(),
            email: doctor.email.clone(),
            license_number: doctor.license_number.clone(),
        }
    }
}

/// The values that no two doctors share, as a client sent them.
pub type Unique<'a> = &'a (dyn Fn(&str) -> Option<&'a str> + Sync);

/// The directory, for reading.
pub struct Directory<'a> {
    db: &'a Db,
    /// None: anybody, where the directory is public.
    user: Option<&'a CurrentUser>,
}

/// The directory, for changing.
pub struct Doctors<'a> {
    db: &'a Db,
    user: &'a CurrentUser,
}

impl Db {
    /// The directory, for whoever may read it.
    pub fn directory<'a>(&'a self, reader: &'a DirectoryReader) -> Directory<'a> {
        Directory {
            db: self,
            user: reader.user(),
        }
    }

    /// The directory, for a caller who changes it.
    pub fn doctors<'a>(&'a self, user: &'a CurrentUser) -> Doctors<'a> {
        Doctors { db: self, user }
    }
}

impl Directory<'_> {
    /// All doctors, by ascending id.
    pub async fn list(&self) -> Result<Vec<Doctor>> {
        let doctors = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email, d.license_number,
                d.created_at, d.updated_at, d.version
            from doctors d
            where $4 or exists (select from actor)
            order by d.id
            "#,
            self.user.map_or(0, CurrentUser::id),
            self.user.map_or(0, CurrentUser::session_id),
            self.user.map_or("", CurrentUser::request_id),
            self.user.is_none()
        )
        .fetch_all(&mut *self.db.connection().await?)
        .await?;
        if let Some(user) = self.user
            && doctors.is_empty()
        {
            self.db.caller(user).await?;
        }
        Ok(doctors)
    }

    /// One of them.
    pub async fn get(&self, id: Id<Doctor>) -> Result<Doctor> {
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email, d.license_number,
                d.created_at, d.updated_at, d.version
            from doctors d
            where d.id = $5 and ($4 or exists (select from actor))
            "#,
            self.user.map_or(0, CurrentUser::id),
            self.user.map_or(0, CurrentUser::session_id),
            self.user.map_or("", CurrentUser::request_id),
            self.user.is_none(),
            id.get()
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await?;
        match (doctor, self.user) {
            (Some(doctor), _) => Ok(doctor),
            (None, Some(user)) => Err(self.db.refuse(user, ApiError::NoRow(Doctor::NAME)).await),
            (None, None) => Err(ApiError::NoRow(Doctor::NAME)),
        }
    }
}

impl Doctors<'_> {
    /// A new one. What other doctors have of the unique fields is reported together with what else is at fault.
    pub async fn create(&self, fields: Result<DoctorFields>, sent: Unique<'_>) -> Result<Doctor> {
        let fields = match fields {
            Ok(fields) => fields,
            Err(fault) => {
                let fault = self.db.refuse(self.user, fault).await;
                return Err(self.with_taken(fault, 0, sent).await);
            }
        };
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            insert into doctors (first_name, last_name, specialty, phone_number, email, license_number)
            select $4, $5, $6, $7, $8, $9
            from actor
            returning id, first_name, last_name, specialty, phone_number, email, license_number,
                created_at, updated_at, version
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            fields.first_name,
            fields.last_name,
            fields.specialty,
            fields.phone_number,
            fields.email,
            fields.license_number
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await;
        match doctor {
            Ok(doctor) => self.found(doctor).await,
            Err(error) => Err(self.with_taken(error.into(), 0, sent).await),
        }
    }

    /// Changes one: see `Patients::update`.
    pub async fn update(
        &self,
        id: Id<Doctor>,
        change: impl Fn(&Doctor) -> Result<DoctorFields>,
        sent: Unique<'_>,
    ) -> Result<Doctor> {
        let directory = Directory {
            db: self.db,
            user: Some(self.user),
        };
        for _ in 0..super::ATTEMPTS {
            let doctor = directory.get(id).await?;
            let replaced = match change(&doctor) {
                Ok(fields) if fields == DoctorFields::from(&doctor) => return Ok(doctor),
                Ok(fields) => self.replace(&doctor, &fields).await,
                Err(fault) => Err(fault),
            };
            match replaced {
                Ok(Some(doctor)) => return Ok(doctor),
                Ok(None) => {}
                Err(fault) => return Err(self.with_taken(fault, id.get(), sent).await),
            }
        }
        Err(ApiError::Unavailable(
            "a doctor is being changed by too many at once".into(),
        ))
    }

    /// Writes the fields, unless the row is no longer as it was read.
    async fn replace(&self, read: &Doctor, fields: &DoctorFields) -> Result<Option<Doctor>> {
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            update doctors d
            set first_name = $6, last_name = $7, specialty = $8, phone_number = $9, email = $10, license_number = $11
            from actor
            where d.id = $4 and d.version = $5
            returning d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email, d.license_number,
                d.created_at, d.updated_at, d.version
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            read.id,
            read.version,
            fields.first_name,
            fields.last_name,
            fields.specialty,
            fields.phone_number,
            fields.email,
            fields.license_number
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await?;
        Ok(doctor)
    }

    /// Takes one away, and the caller's own mappings with it.
    pub async fn delete(&self, id: Id<Doctor>) -> Result<()> {
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            delete from doctors d
            using actor
            where d.id = $4
            returning d.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get()
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await?;
        self.found(deleted).await.map(drop)
    }

    async fn found<T>(&self, row: Option<T>) -> Result<T> {
        match row {
            Some(row) => Ok(row),
            None => Err(self
                .db
                .refuse(self.user, ApiError::NoRow(Doctor::NAME))
                .await),
        }
    }

    /// Adds to the faults of a body which of its unique values another doctor than `id` has. PostgreSQL names one only.
    async fn with_taken(&self, fault: ApiError, id: i64, sent: Unique<'_>) -> ApiError {
        let ApiError::Invalid(faults) = fault else {
            return fault;
        };
        let value = |field| sent(field).filter(|value| !faults.has(field) && !value.contains('\0'));
        match self
            .taken(id, value("email"), value("license_number"))
            .await
        {
            Ok(taken) => ApiError::Invalid(faults.and(taken)),
            Err(fault) => fault,
        }
    }

    async fn taken(
        &self,
        id: i64,
        email: Option<&str>,
        license: Option<&str>,
    ) -> Result<FieldErrors> {
        let taken = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select
                exists (select from doctors where id <> $4 and lower(email) = lower($5)) as "email!",
                exists (select from doctors where id <> $4 and license_number = $6) as "license_number!"
            from actor
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id,
            email,
            license
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await?;
        let taken = taken.map(|taken| {
            [
                (taken.email, "doctors_email_key"),
                (taken.license_number, "doctors_license_number_key"),
            ]
        });
        let constraints = taken
            .into_iter()
            .flatten()
            .filter_map(|(is_taken, constraint)| is_taken.then_some(constraint));
        Ok(constraints.filter_map(constraint_fault).collect())
    }
}
