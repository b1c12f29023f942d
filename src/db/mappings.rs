//! Which doctors look after a user's patients.

use chrono::{DateTime, Utc};

use super::{Db, Id, Model, doctors::Doctor, patients::Patient};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result},
    input::FieldErrors,
};

/// A doctor's assignment to a patient, with the names of both.
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
    /// All of them, by ascending id.
    pub async fn list(&self) -> Result<Vec<Mapping>> {
        let mappings = sqlx::query_as!(
            Mapping,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select m.id, m.patient_id, m.doctor_id, p.first_name as patient_first_name,
                p.last_name as patient_last_name, d.first_name as doctor_first_name,
                d.last_name as doctor_last_name, m.assigned_at
            from patients p
            join patient_doctor_mappings m on m.patient_id = p.id
            join doctors d on d.id = m.doctor_id
            where p.created_by = (select id from actor)
            order by m.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id()
        )
        .fetch_all(self.db.connection())
        .await?;
        self.db.listed(self.user, mappings).await
    }

    /// Those of one patient.
    pub async fn of_patient(&self, patient: Id<Patient>) -> Result<Vec<Mapping>> {
        let mappings = sqlx::query_as!(
            Mapping,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select m.id, m.patient_id, m.doctor_id, p.first_name as patient_first_name,
                p.last_name as patient_last_name, d.first_name as doctor_first_name,
                d.last_name as doctor_last_name, m.assigned_at
            from patients p
            join patient_doctor_mappings m on m.patient_id = p.id
            join doctors d on d.id = m.doctor_id
            where p.id = $4 and p.created_by = (select id from actor)
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
            with actor as materialized (select * from actor($1, $2, $3))
            select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email,
                d.license_number, d.created_at, d.updated_at, d.version
            from patients p
            join patient_doctor_mappings m on m.patient_id = p.id
            join doctors d on d.id = m.doctor_id
            where p.id = $4 and p.created_by = (select id from actor)
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

    /// Assigns a doctor to one of the caller's own patients. Both rows are held until it is written, so that neither
    /// goes meanwhile.
    ///
    /// Whose patient it is comes before what is wrong with the rest, so it is given apart, if it is a number at all.
    pub async fn create(
        &self,
        new: Result<NewMapping>,
        patient: Option<Id<Patient>>,
    ) -> Result<Mapping> {
        let new = match (new, patient) {
            (Err(ApiError::Invalid(faults)), Some(patient)) => {
                self.own(patient).await?;
                return Err(ApiError::Invalid(faults));
            }
            (new, _) => self.db.accept(self.user, new).await?,
        };
        let mapping = sqlx::query_as!(
            Mapping,
            r#"
            with actor as materialized (select * from actor($1, $2, $3)),
            patient as materialized (
                select p.id, p.first_name, p.last_name
                from patients p
                where p.id = $4 and p.created_by = (select id from actor)
                for key share),
            doctor as materialized (
                select d.id, d.first_name, d.last_name
                from doctors d
                where d.id = $5 and exists (select from patient)
                for key share),
            mapping as (
                insert into patient_doctor_mappings (patient_id, doctor_id)
                select patient.id, doctor.id
                from patient, doctor
                returning id, patient_id, doctor_id, assigned_at)
            select mapping.id, mapping.patient_id, mapping.doctor_id,
                patient.first_name as patient_first_name, patient.last_name as patient_last_name,
                doctor.first_name as doctor_first_name, doctor.last_name as doctor_last_name,
                mapping.assigned_at
            from mapping, patient, doctor
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            new.patient.get(),
            new.doctor.get()
        )
        .fetch_optional(self.db.connection())
        .await?;
        match mapping {
            Some(mapping) => Ok(mapping),
            None => Err(self.why_not(&new).await),
        }
    }

    /// Takes one away.
    pub async fn delete(&self, id: Id<Mapping>) -> Result<()> {
        if let Err(fault) = self.user.unserved() {
            let is_there = self
                .list()
                .await?
                .iter()
                .any(|mapping| mapping.id == id.get());
            return Err(if is_there {
                fault
            } else {
                ApiError::NoRow(Mapping::NAME)
            });
        }
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            delete from patient_doctor_mappings m
            using patients p
            where m.id = $4 and p.id = m.patient_id and p.created_by = (select id from actor)
            returning m.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get()
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db
            .found(self.user, Mapping::NAME, deleted)
            .await
            .map(drop)
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
                let message = format!(
                    "Invalid pk \"{}\" - object does not exist.",
                    new.doctor_as_sent
                );
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
