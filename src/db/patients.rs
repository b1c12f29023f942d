//! The patients of a user.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Db, Id, Model};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result},
};

/// A patient, as stored.
pub struct Patient {
    /// Its number.
    pub id: i64,
    pub first_name: String,
    /// Empty for a person with one name.
    pub last_name: String,
    pub date_of_birth: NaiveDate,
    /// The date was reckoned from an age.
    pub date_of_birth_estimated: bool,
    pub gender: Gender,
    pub address: String,
    pub phone_number: String,
    pub email: String,
    pub medical_history: String,
    /// The owner's e-mail.
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts the changes.
    pub version: i64,
}

impl Model for Patient {
    const NAME: &'static str = "Patient";
}

/// What a client may set of a patient.
#[derive(Clone, Default, PartialEq)]
pub struct PatientFields {
    pub first_name: String,
    pub last_name: String,
    pub date_of_birth: NaiveDate,
    pub date_of_birth_estimated: bool,
    pub gender: Gender,
    pub address: String,
    pub phone_number: String,
    pub email: String,
    pub medical_history: String,
}

/// M, F or O, for other.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, sqlx::Type, utoipa::ToSchema,
)]
#[sqlx(type_name = "text")]
pub enum Gender {
    M,
    F,
    #[default]
    O,
}

impl From<&Patient> for PatientFields {
    fn from(patient: &Patient) -> Self {
        Self {
            first_name: patient.first_name.clone(),
            last_name: patient.last_name.clone(),
            date_of_birth: patient.date_of_birth,
            date_of_birth_estimated: patient.date_of_birth_estimated,
            gender: patient.gender,
            address: patient.address.clone(),
            phone_number: patient.phone_number.clone(),
            email: patient.email.clone(),
            medical_history: patient.medical_history.clone(),
        }
    }
}

/// A user's own patients: the only ones that can be reached.
pub struct Patients<'a> {
    db: &'a Db,
    user: &'a CurrentUser,
}

impl Db {
    /// The caller's own patients.
    pub fn patients<'a>(&'a self, user: &'a CurrentUser) -> Patients<'a> {
        Patients { db: self, user }
    }
}

impl Patients<'_> {
    /// All of them, by ascending id.
    pub async fn list(&self) -> Result<Vec<Patient>> {
        let patients = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select p.id, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated,
                p.gender as "gender: Gender", p.address, p.phone_number, p.email, p.medical_history,
                (select email from actor) as "created_by!", p.created_at, p.updated_at, p.version
            from patients p
            where p.created_by = (select id from actor)
            order by p.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id()
        )
        .fetch_all(&mut *self.db.connection().await?)
        .await?;
        if patients.is_empty() {
            self.db.caller(self.user).await?;
        }
        Ok(patients)
    }

    /// One of them.
    pub async fn get(&self, id: Id<Patient>) -> Result<Patient> {
        let patient = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select p.id, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated,
                p.gender as "gender: Gender", p.address, p.phone_number, p.email, p.medical_history,
                (select email from actor) as "created_by!", p.created_at, p.updated_at, p.version
            from patients p
            where p.id = $4 and p.created_by = (select id from actor)
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get()
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await?;
        self.found(patient).await
    }

    /// A new one.
    pub async fn create(&self, fields: Result<PatientFields>) -> Result<Patient> {
        let fields = self.db.accept(self.user, fields).await?;
        let patient = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            insert into patients (
                created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address,
                phone_number, email, medical_history)
            select actor.id, $4, $5, $6, $7, $8, $9, $10, $11, $12
            from actor
            returning id, first_name, last_name, date_of_birth, date_of_birth_estimated, gender as "gender: Gender",
                address, phone_number, email, medical_history,
                (select email from actor) as "created_by!", created_at, updated_at, version
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            fields.first_name,
            fields.last_name,
            fields.date_of_birth,
            fields.date_of_birth_estimated,
            fields.gender as Gender,
            fields.address,
            fields.phone_number,
            fields.email,
            fields.medical_history
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await?;
        self.found(patient).await
    }

    /// Changes one. `change` sees it as it is, and is asked again if somebody else changes it meanwhile; what it leaves
    /// as it is is not written.
    pub async fn update(
        &self,
        id: Id<Patient>,
        change: impl Fn(&Patient) -> Result<PatientFields>,
    ) -> Result<Patient> {
        for _ in 0..super::ATTEMPTS {
            let patient = self.get(id).await?;
            let fields = change(&patient)?;
            if fields == PatientFields::from(&patient) {
                return Ok(patient);
            }
            if let Some(patient) = self.replace(&patient, &fields).await? {
                return Ok(patient);
            }
        }
        Err(ApiError::Unavailable(
            "a patient is being changed by too many at once".into(),
        ))
    }

    /// Writes the fields, unless the row is no longer as it was read.
    async fn replace(&self, read: &Patient, fields: &PatientFields) -> Result<Option<Patient>> {
        let patient = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            update patients p
            set first_name = $6, last_name = $7, date_of_birth = $8, date_of_birth_estimated = $9, gender = $10,
                address = $11, phone_number = $12, email = $13, medical_history = $14
            where p.id = $4 and p.version = $5 and p.created_by = (select id from actor)
            returning p.id, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated,
                p.gender as "gender: Gender", p.address, p.phone_number, p.email, p.medical_history,
                (select email from actor) as "created_by!", p.created_at, p.updated_at, p.version
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            read.id,
            read.version,
            fields.first_name,
            fields.last_name,
            fields.date_of_birth,
            fields.date_of_birth_estimated,
            fields.gender as Gender,
            fields.address,
            fields.phone_number,
            fields.email,
            fields.medical_history
        )
        .fetch_optional(&mut *self.db.connection().await?)
        .await?;
        Ok(patient)
    }

    /// Takes one away for good.
    pub async fn delete(&self, id: Id<Patient>) -> Result<()> {
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            delete from patients p
            where p.id = $4 and p.created_by = (select id from actor)
            returning p.id
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
                .refuse(self.user, ApiError::NoRow(Patient::NAME))
                .await),
        }
    }
}
