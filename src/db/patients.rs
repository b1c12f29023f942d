//! The patients of a user.

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    Change, Db, Id, Model, differs,
    keys::{Key, Made},
};
use crate::{auth::CurrentUser, error::Result};

/// A patient, as stored.
#[derive(serde::Deserialize, sqlx::FromRow)]
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
    const NOUN: &'static str = "patient";

    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// What a client sets of a patient. None: left as it is, or empty in a new one.
#[derive(Default)]
pub struct PatientFields {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub date_of_birth: Option<NaiveDate>,
    pub date_of_birth_estimated: Option<bool>,
    pub gender: Option<Gender>,
    pub address: Option<String>,
    pub phone_number: Option<String>,
    pub email: Option<String>,
    pub medical_history: Option<String>,
}

impl PatientFields {
    /// Whether the patient would be another than it is.
    fn change(&self, patient: &Patient) -> bool {
        differs(self.first_name.as_ref(), &patient.first_name)
            || differs(self.last_name.as_ref(), &patient.last_name)
            || differs(self.date_of_birth.as_ref(), &patient.date_of_birth)
            || differs(self.date_of_birth_estimated.as_ref(), &patient.date_of_birth_estimated)
            || differs(self.gender.as_ref(), &patient.gender)
            || differs(self.address.as_ref(), &patient.address)
            || differs(self.phone_number.as_ref(), &patient.phone_number)
            || differs(self.email.as_ref(), &patient.email)
            || differs(self.medical_history.as_ref(), &patient.medical_history)
    }
}

/// M, F or O, for other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type, utoipa::ToSchema)]
#[sqlx(type_name = "text")]
pub enum Gender {
    M,
    F,
    O,
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
        .fetch_optional(self.db.connection())
        .await?;
        self.db.found(self.user, Patient::NAME, patient).await
    }

    /// A new one.
    pub async fn create(&self, fields: Result<PatientFields>, key: Result<Option<Key>>) -> Result<Made<Patient>> {
        let fields = self.db.accept(self.user, fields).await?;
        let key = self.db.accept(self.user, key).await?;
        let patient = self.insert(&fields, key.as_ref()).await;
        self.db.made(self.user, "patients", key.as_ref(), patient).await
    }

    async fn insert(&self, fields: &PatientFields, key: Option<&Key>) -> Result<Patient> {
        let patient = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1, $2, $3)),
            inserted as (
                insert into patients (
                    created_by, first_name, last_name, date_of_birth, date_of_birth_estimated,
                    gender, address, phone_number, email, medical_history)
                select actor.id, $4, $5, $6, $7, $8, coalesce($9, ''), coalesce($10, ''),
                    coalesce($11, ''), coalesce($12, '')
                from actor
                returning id, first_name, last_name, date_of_birth, date_of_birth_estimated, gender,
                    address, phone_number, email, medical_history, created_at, updated_at, version),
            patient as (
                select p.id, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated,
                    p.gender, p.address, p.phone_number, p.email, p.medical_history,
                    actor.email as created_by, p.created_at, p.updated_at, p.version
                from inserted p, actor),
            key as (
                insert into idempotency_keys (user_id, route, key, fingerprint, answer)
                select actor.id, 'patients', $13, $14, to_jsonb(patient)
                from patient, actor
                where $13::text is not null)
            select id as "id!", first_name as "first_name!", last_name as "last_name!",
                date_of_birth as "date_of_birth!",
                date_of_birth_estimated as "date_of_birth_estimated!",
                gender as "gender!: Gender", address as "address!", phone_number as "phone_number!",
                email as "email!", medical_history as "medical_history!",
                created_by as "created_by!", created_at as "created_at!",
                updated_at as "updated_at!", version as "version!"
            from patient
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            fields.first_name,
            fields.last_name,
            fields.date_of_birth,
            fields.date_of_birth_estimated,
            fields.gender as Option<Gender>,
            fields.address,
            fields.phone_number,
            fields.email,
            fields.medical_history,
            key.map(|key| key.key.as_str()),
            key.map(|key| key.fingerprint.as_slice())
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.found(self.user, Patient::NAME, patient).await
    }

    /// Changes one. `change` sees it as it is; what leaves it so is not written.
    pub async fn update(
        &self,
        id: Id<Patient>,
        change: impl FnOnce(&Patient) -> Result<Change<PatientFields>>,
    ) -> Result<Patient> {
        let patient = self.get(id).await?;
        let change = change(&patient)?;
        if change.fields.change(&patient) { self.write(id, &change).await } else { Ok(patient) }
    }

    /// Writes the fields that are set, and no others: whoever changes those meanwhile loses nothing.
    async fn write(&self, id: Id<Patient>, change: &Change<PatientFields>) -> Result<Patient> {
        let fields = &change.fields;
        let patient = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            update patients p
            set first_name = coalesce($5, p.first_name), last_name = coalesce($6, p.last_name),
                date_of_birth = coalesce($7, p.date_of_birth),
                date_of_birth_estimated = coalesce($8, p.date_of_birth_estimated),
                gender = coalesce($9, p.gender), address = coalesce($10, p.address),
                phone_number = coalesce($11, p.phone_number), email = coalesce($12, p.email),
                medical_history = coalesce($13, p.medical_history)
            where p.id = $4 and p.created_by = (select id from actor)
                and p.version = coalesce($14, p.version)
            returning p.id, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated,
                p.gender as "gender: Gender", p.address, p.phone_number, p.email, p.medical_history,
                (select email from actor) as "created_by!", p.created_at, p.updated_at, p.version
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get(),
            fields.first_name,
            fields.last_name,
            fields.date_of_birth,
            fields.date_of_birth_estimated,
            fields.gender as Option<Gender>,
            fields.address,
            fields.phone_number,
            fields.email,
            fields.medical_history,
            change.version
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.unless_changed(self.user, change.version, patient, self.get(id)).await
    }

    /// Takes one away for good.
    pub async fn delete(
        &self,
        id: Id<Patient>,
        precondition: Option<impl Fn(&Patient) -> Result<Option<i64>>>,
    ) -> Result<()> {
        if let Err(fault) = self.user.unserved() {
            self.get(id).await?;
            return Err(fault);
        }
        let version = match precondition {
            Some(precondition) => precondition(&self.get(id).await?)?,
            None => None,
        };
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            delete from patients p
            where p.id = $4 and p.created_by = (select id from actor)
                and p.version = coalesce($5, p.version)
            returning p.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get(),
            version
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.unless_changed(self.user, version, deleted, self.get(id)).await.map(drop)
    }
}
