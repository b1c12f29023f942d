//! Which doctors look after a user's patients.

use chrono::{DateTime, Utc};

use super::{
    Db, Id, Model,
    doctors::Doctor,
    keys::{Key, Made},
    patients::Patient,
};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result},
    input::FieldErrors,
};

/// A doctor's assignment to a patient, with the names of both.
#[derive(serde::Deserialize, sqlx::FromRow)]
pub struct Mapping {
    /// Its number.
    pub id: i64,
    pub patient_id: i64,
    pub doctor_id: i64,
    pub patient_first_name: String,
    pub patient_last_name: String,
    pub doctor_first_name: String,
    pub doctor_last_name: String,
    pub assigned_at: DateTime<Utc>,
}

impl Model for Mapping {
    const NAME: &'static str = "PatientDoctorMapping";
    const NOUN: &'static str = "mapping";
}

/// Who is assigned to whom.
pub struct NewMapping {
    pub patient: Id<Patient>,
    pub doctor: Id<Doctor>,
    /// As the client wrote it.
    pub doctor_as_sent: String,
}

/// The mappings of a user's own patients: the only ones that can be reached.
pub struct Mappings<'a> {
    db: &'a Db,
    user: &'a CurrentUser,
}

impl Db {
    /// The mappings of the caller's own patients.
    pub fn mappings<'a>(&'a self, user: &'a CurrentUser) -> Mappings<'a> {
        Mappings { db: self, user }
    }
}

impl Mappings<'_> {
    /// Those of one patient.
    pub async fn of_patient(&self, patient: Id<Patient>) -> Result<Vec<Mapping>> {
        let mappings = sqlx::query_as!(
            Mapping,
            r#"
            with actor as materialized (select * from actor($1, $2, $3)),
            patient as materialized (
                select p.id, p.first_name, p.last_name
                from patients p
                where p.id = $4 and p.created_by = (select id from actor))
            select m.id, m.patient_id, m.doctor_id, p.first_name as patient_first_name,
                p.last_name as patient_last_name, d.first_name as doctor_first_name,
                d.last_name as doctor_last_name, m.assigned_at
            from patient p
            join patient_doctor_mappings m on m.patient_id = p.id
            join doctors d on d.id = m.doctor_id
            order by m.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            patient.get()
        )
        .fetch_all(self.db.connection())
        .await?;
        self.unless_foreign(patient, mappings).await
    }

    /// The doctors of one patient, by ascending id.
    pub async fn doctors_of(&self, patient: Id<Patient>) -> Result<Vec<Doctor>> {
        let doctors = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1, $2, $3)),
            patient as materialized (
                select p.id
                from patients p
                where p.id = $4 and p.created_by = (select id from actor))
            select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email,
                d.license_number, d.created_at, d.updated_at, d.version
            from patient p
            join patient_doctor_mappings m on m.patient_id = p.id
            join doctors d on d.id = m.doctor_id
            order by d.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            patient.get()
        )
        .fetch_all(self.db.connection())
        .await?;
        self.unless_foreign(patient, doctors).await
    }

    /// Assigns a doctor to one of the caller's own patients.
    ///
    /// Whose patient it is comes before what is wrong with the rest, so it is given apart, if it is a number at all.
    pub async fn create(
        &self,
        new: Result<NewMapping>,
        patient: Option<Id<Patient>>,
        key: Result<Option<Key>>,
    ) -> Result<Made<Mapping>> {
        let new = match (new, patient) {
            (Err(ApiError::Invalid(faults)), Some(patient)) => {
                self.own(patient).await?;
                return Err(ApiError::Invalid(faults));
            }
            (new, _) => self.db.accept(self.user, new).await?,
        };
        let key = self.db.accept(self.user, key).await?;
        let mapping = match self.insert(&new, key.as_ref()).await {
            Ok(Some(mapping)) => Ok(mapping),
            Ok(None) => Err(self.why_not(&new).await),
            Err(fault) => Err(fault),
        };
        self.db.made(self.user, "mappings", key.as_ref(), mapping).await
    }

    /// Both rows are held until it is written, so that neither goes meanwhile.
    async fn insert(&self, new: &NewMapping, key: Option<&Key>) -> Result<Option<Mapping>> {
        let mapping = sqlx::query_as!(
            Mapping,
            r#"
            with actor as materialized (select * from actor($1, $2, $3)),
            patient as materialized (
                select p.id, p.created_by, p.first_name, p.last_name
                from patients p
                where p.id = $4 and p.created_by = (select id from actor)
                for key share),
            doctor as materialized (
                select d.id, d.first_name, d.last_name
                from doctors d
                where d.id = $5 and exists (select from patient)
                for key share),
            inserted as (
                insert into patient_doctor_mappings (patient_id, created_by, doctor_id)
                select patient.id, patient.created_by, doctor.id
                from patient, doctor
                returning id, patient_id, doctor_id, assigned_at),
            mapping as (
                select inserted.id, inserted.patient_id, inserted.doctor_id,
                    patient.first_name as patient_first_name,
                    patient.last_name as patient_last_name,
                    doctor.first_name as doctor_first_name,
                    doctor.last_name as doctor_last_name, inserted.assigned_at
                from inserted, patient, doctor),
            key as (
                insert into idempotency_keys (user_id, route, key, fingerprint, answer)
                select actor.id, 'mappings', $6, $7, to_jsonb(mapping)
                from mapping, actor
                where $6::text is not null)
            select id as "id!", patient_id as "patient_id!", doctor_id as "doctor_id!",
                patient_first_name as "patient_first_name!",
                patient_last_name as "patient_last_name!",
                doctor_first_name as "doctor_first_name!",
                doctor_last_name as "doctor_last_name!", assigned_at as "assigned_at!"
            from mapping
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            new.patient.get(),
            new.doctor.get(),
            key.map(|key| key.key.as_str()),
            key.map(|key| key.fingerprint.as_slice())
        );
        Ok(mapping.fetch_optional(self.db.connection()).await?)
    }

    async fn find(&self, id: Id<Mapping>) -> Result<Option<i64>> {
        let mapping = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select m.id
            from patient_doctor_mappings m
            where m.id = $4 and m.created_by = (select id from actor)
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get()
        );
        Ok(mapping.fetch_optional(self.db.connection()).await?)
    }

    /// Takes one away.
    pub async fn delete(&self, id: Id<Mapping>) -> Result<()> {
        if let Err(fault) = self.user.unserved() {
            let mapping = self.find(id).await?;
            self.db.found(self.user, Mapping::NAME, mapping).await?;
            return Err(fault);
        }
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            delete from patient_doctor_mappings m
            where m.id = $4 and m.created_by = (select id from actor)
            returning m.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get()
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.found(self.user, Mapping::NAME, deleted).await.map(drop)
    }

    /// An empty list may also mean that the patient is not the caller's.
    async fn unless_foreign<T>(&self, patient: Id<Patient>, rows: Vec<T>) -> Result<Vec<T>> {
        if rows.is_empty() {
            self.db.patients(self.user).get(patient).await?;
        }
        Ok(rows)
    }

    /// Why nothing was assigned: not the caller's patient, before anything else; else there is no such doctor.
    async fn why_not(&self, new: &NewMapping) -> ApiError {
        match self.own(new.patient).await {
            Ok(()) => {
                let message = format!("Invalid pk \"{}\" - object does not exist.", new.doctor_as_sent);
                ApiError::Invalid(FieldErrors::one("doctor", message))
            }
            Err(refusal) => refusal,
        }
    }

    /// Checks that a patient is the caller's.
    async fn own(&self, patient: Id<Patient>) -> Result<()> {
        match self.db.patients(self.user).get(patient).await {
            Ok(_) => Ok(()),
            Err(ApiError::NoRow(_)) => Err(ApiError::NotYourPatient),
            Err(other) => Err(other),
        }
    }
}
