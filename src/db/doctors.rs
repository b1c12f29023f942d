//! The directory of doctors, which all users share: for changing. (`directory`: for reading.)

use chrono::{DateTime, Utc};

use super::{
    Change, Db, Id, Model, differs,
    directory::Directory,
    keys::{Key, Made},
};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result, constraint_fault},
    input::FieldErrors,
};

/// A doctor, as stored.
#[derive(serde::Deserialize, sqlx::FromRow)]
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
    const NOUN: &'static str = "doctor";

    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// What a client sets of a doctor. None: left as it is, or empty in a new one; `Some(None)`: made null.
#[derive(Default)]
pub struct DoctorFields {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub specialty: Option<String>,
    pub phone_number: Option<String>,
    pub email: Option<Option<String>>,
    pub license_number: Option<Option<String>>,
}

impl DoctorFields {
    /// Whether the doctor would be another than it is.
    fn change(&self, doctor: &Doctor) -> bool {
        differs(self.first_name.as_ref(), &doctor.first_name)
            || differs(self.last_name.as_ref(), &doctor.last_name)
            || differs(self.specialty.as_ref(), &doctor.specialty)
            || differs(self.phone_number.as_ref(), &doctor.phone_number)
            || differs(self.email.as_ref(), &doctor.email)
            || differs(self.license_number.as_ref(), &doctor.license_number)
    }
}

/// The values that no two doctors share, as a client sent them.
pub type Unique<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The directory, for changing.
pub struct Doctors<'a> {
    db: &'a Db,
    user: &'a CurrentUser,
}

impl Db {
    /// The directory, for a caller who changes it.
    pub fn doctors<'a>(&'a self, user: &'a CurrentUser) -> Doctors<'a> {
        Doctors { db: self, user }
    }
}

impl Doctors<'_> {
    /// A new one. What other doctors have of the unique fields is reported together with what else is at fault.
    pub async fn create(
        &self,
        fields: Result<DoctorFields>,
        sent: Unique<'_>,
        key: Result<Option<Key>>,
    ) -> Result<Made<Doctor>> {
        let fields = match fields {
            Ok(fields) => fields,
            Err(fault) => {
                let fault = self.db.refuse(self.user, fault).await;
                return Err(self.with_taken(fault, 0, sent).await);
            }
        };
        let key = self.db.accept(self.user, key).await?;
        let doctor = self.insert(&fields, key.as_ref()).await;
        let made = self.db.made(self.user, "doctors", key.as_ref(), doctor);
        match made.await {
            Ok(made) => Ok(made),
            Err(fault) => Err(self.with_taken(fault, 0, sent).await),
        }
    }

    async fn insert(&self, fields: &DoctorFields, key: Option<&Key>) -> Result<Doctor> {
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1, $2, $3)),
            doctor as (
                insert into doctors (
                    first_name, last_name, specialty, phone_number, email, license_number)
                select $4, $5, $6, coalesce($7, ''), $8, $9
                from actor
                returning id, first_name, last_name, specialty, phone_number, email, license_number,
                    created_at, updated_at, version),
            key as (
                insert into idempotency_keys (user_id, route, key, fingerprint, answer)
                select actor.id, 'doctors', $10, $11, to_jsonb(doctor)
                from doctor, actor
                where $10::text is not null)
            select id, first_name, last_name, specialty, phone_number, email, license_number,
                created_at, updated_at, version
            from doctor
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            fields.first_name,
            fields.last_name,
            fields.specialty,
            fields.phone_number,
            fields.email.clone().flatten(),
            fields.license_number.clone().flatten(),
            key.map(|key| key.key.as_str()),
            key.map(|key| key.fingerprint.as_slice())
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.found(self.user, Doctor::NAME, doctor).await
    }

    /// Changes one: see `Patients::update`.
    pub async fn update(
        &self,
        id: Id<Doctor>,
        change: impl FnOnce(&Doctor) -> Result<Change<DoctorFields>>,
        sent: Unique<'_>,
    ) -> Result<Doctor> {
        let doctor = self.directory().get(id).await?;
        let written = match change(&doctor) {
            Ok(change) if change.fields.change(&doctor) => self.write(id, &change).await,
            Ok(_) => Ok(doctor),
            Err(fault) => Err(fault),
        };
        match written {
            Ok(doctor) => Ok(doctor),
            Err(fault) => Err(self.with_taken(fault, id.get(), sent).await),
        }
    }

    fn directory(&self) -> Directory<'_> {
        Directory::of(self.db, self.user)
    }

    /// Writes the fields that are set, and no others.
    async fn write(&self, id: Id<Doctor>, change: &Change<DoctorFields>) -> Result<Doctor> {
        let fields = &change.fields;
        let doctor = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            update doctors d
            set first_name = coalesce($5, d.first_name), last_name = coalesce($6, d.last_name),
                specialty = coalesce($7, d.specialty), phone_number = coalesce($8, d.phone_number),
                email = case when $9 then $10 else d.email end,
                license_number = case when $11 then $12 else d.license_number end
            from actor
            where d.id = $4 and d.version = coalesce($13, d.version)
            returning d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email,
                d.license_number, d.created_at, d.updated_at, d.version
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get(),
            fields.first_name,
            fields.last_name,
            fields.specialty,
            fields.phone_number,
            fields.email.is_some(),
            fields.email.as_ref().and_then(Option::as_deref),
            fields.license_number.is_some(),
            fields.license_number.as_ref().and_then(Option::as_deref),
            change.version
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.unless_changed(self.user, change.version, doctor, self.directory().get(id)).await
    }

    /// Takes one away, and the caller's own mappings with it.
    pub async fn delete(
        &self,
        id: Id<Doctor>,
        precondition: Option<impl Fn(&Doctor) -> Result<Option<i64>>>,
    ) -> Result<()> {
        if let Err(fault) = self.user.unserved() {
            self.directory().get(id).await?;
            return Err(fault);
        }
        let version = match precondition {
            Some(precondition) => precondition(&self.directory().get(id).await?)?,
            None => None,
        };
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            delete from doctors d
            using actor
            where d.id = $4 and d.version = coalesce($5, d.version)
            returning d.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get(),
            version
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.unless_changed(self.user, version, deleted, self.directory().get(id)).await.map(drop)
    }

    /// Adds to the faults of a body which of its unique values another doctor than `id` has. PostgreSQL names one only.
    async fn with_taken(&self, fault: ApiError, id: i64, sent: Unique<'_>) -> ApiError {
        let ApiError::Invalid(faults) = fault else {
            return fault;
        };
        let value = |field| sent(field).filter(|_| !faults.has(field));
        let (email, license) = (value("email"), value("license_number"));
        match self.taken(id, email.as_deref(), license.as_deref()).await {
            Ok(taken) => ApiError::Invalid(faults.and(taken)),
            Err(fault) => fault,
        }
    }

    async fn taken(&self, id: i64, email: Option<&str>, license: Option<&str>) -> Result<FieldErrors> {
        let taken = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select
                exists (
                    select from doctors where id <> $4 and lower(email) = lower($5)) as "email!",
                exists (
                    select from doctors where id <> $4 and license_number = $6) as "license_number!"
            from actor
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id,
            email,
            license
        )
        .fetch_optional(self.db.connection())
        .await?;
        let taken = taken
            .map(|taken| [(taken.email, "doctors_email_key"), (taken.license_number, "doctors_license_number_key")]);
        let constraints =
            taken.into_iter().flatten().filter_map(|(is_taken, constraint)| is_taken.then_some(constraint));
        Ok(constraints.filter_map(constraint_fault).collect())
    }
}
