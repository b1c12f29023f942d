//! Which doctors look after a user's patients. `by_patient` reads those of one patient.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, Row as _, postgres::PgRow};

use super::{
    Db, Id, Model, Subject,
    caller::Caller,
    doctors::Doctor,
    idempotency::{Inserted, Key, insert_error},
    listing::{Column, Kind, Listed},
    patients::Patient,
};
use crate::{
    auth::CurrentUser,
    error::{ApiError, FieldErrors, Result},
};

/// The message for a patient of somebody else, and for one that does not exist (README A).
pub const NOT_YOUR_PATIENT: &str = "You can only assign doctors to your own patients.";

/// A doctor's assignment to a patient, with the names of both.
#[derive(serde::Deserialize)]
pub struct Mapping<S = String> {
    /// Its number.
    pub id: i64,
    pub patient_id: i64,
    pub doctor_id: i64,
    pub patient_first_name: S,
    pub patient_last_name: S,
    pub doctor_first_name: S,
    pub doctor_last_name: S,
    pub assigned_at: DateTime<Utc>,
}

impl Model for Mapping {
    const NAME: &'static str = "PatientDoctorMapping";
    const NOUN: &'static str = "mapping";

    fn subject(&self) -> Subject {
        Subject::Mapping { id: self.id, patient: self.patient_id }
    }
}

/// The columns of `Listed::SELECT`, in its order.
impl<'r> FromRow<'r, PgRow> for Mapping<&'r str> {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            patient_id: row.try_get_unchecked(1)?,
            doctor_id: row.try_get_unchecked(2)?,
            patient_first_name: row.try_get_unchecked(3)?,
            patient_last_name: row.try_get_unchecked(4)?,
            doctor_first_name: row.try_get_unchecked(5)?,
            doctor_last_name: row.try_get_unchecked(6)?,
            assigned_at: row.try_get_unchecked(7)?,
        })
    }
}

impl Listed for Mapping {
    type Row<'r> = Mapping<&'r str>;

    const SELECT: &'static str = "m.id, m.patient_id, m.doctor_id, \
        p.first_name as patient_first_name, p.last_name as patient_last_name, \
        d.first_name as doctor_first_name, d.last_name as doctor_last_name, m.assigned_at";
    const FROM: &'static str = "from patient_doctor_mappings m \
        join patients p on p.id = m.patient_id join doctors d on d.id = m.doctor_id \
        where m.created_by = (select id from actor)";
    const ID: &'static str = "m.id";
    const SEARCH: Option<&'static str> = Some("concat(p.search, ' ', d.search)");
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("id", "m.id", Kind::Id),
        Column::filtered("patient", "m.patient_id", Kind::Id),
        Column::filtered("doctor", "m.doctor_id", Kind::Id),
        Column::ordered("assigned_at", "m.assigned_at", Kind::Time),
    ];

    fn subject(row: &PgRow) -> sqlx::Result<Subject> {
        Ok(Subject::Mapping { id: row.try_get(0)?, patient: row.try_get(1)? })
    }
}

/// A doctor to assign to a patient.
pub struct NewMapping {
    pub patient: Id<Patient>,
    pub doctor: Id<Doctor>,
    /// The text that the client sent, for the error message.
    pub doctor_as_sent: String,
}

/// The mappings of a user's own patients: the only ones that can be reached.
pub struct Mappings<'a> {
    pub(super) db: &'a Db,
    pub(super) user: &'a CurrentUser,
}

impl Db {
    /// The mappings of the caller's own patients.
    pub fn mappings<'a>(&'a self, user: &'a CurrentUser) -> Mappings<'a> {
        Mappings { db: self, user }
    }
}

impl Mappings<'_> {
    /// Assigns a doctor to one of the caller's own patients. Locks both rows, so that neither is deleted meanwhile.
    pub async fn create(&self, new: &NewMapping, key: Option<&Key>) -> Result<Inserted<Mapping>> {
        let mapping = sqlx::query_as!(
            Mapping,
            r#"
            with actor as materialized (select * from actor($1)),
            patient as materialized (
                select p.id, p.created_by, p.first_name, p.last_name
                from patients p
                where p.id = $4 and p.created_by = (select id from actor)
                for key share),
            doctor as materialized (
                select d.id, d.first_name, d.last_name
                from doctors d
                where d.id = $5 and exists (select from patient)
                for key share)
            insert into patient_doctor_mappings (patient_id, created_by, doctor_id)
            select patient.id, patient.created_by, doctor.id
            from patient, doctor, keyed($2, $3)
            returning id, patient_id, doctor_id,
                (select first_name from patient) as "patient_first_name!",
                (select last_name from patient) as "patient_last_name!",
                (select first_name from doctor) as "doctor_first_name!",
                (select last_name from doctor) as "doctor_last_name!", assigned_at
            "#,
            Caller::of(self.user) as _,
            key.map(|key| key.key.as_str()),
            key.map(|key| key.fingerprint.as_slice()),
            new.patient.get(),
            new.doctor.get()
        );
        let error = match mapping.fetch_optional(self.db.connection()).await {
            Ok(Some(mapping)) => {
                self.db.reads.token_used(self.user);
                return Ok(Inserted::now(mapping));
            }
            Ok(None) => self.why_not(new).await,
            Err(error) => insert_error(key, error),
        };
        self.db.replay(self.user, "mappings", key, error).await
    }

    /// Removes one.
    pub async fn delete(&self, id: Id<Mapping>) -> Result<()> {
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            delete from patient_doctor_mappings m
            where m.id = $2 and m.created_by = (select id from actor)
            returning m.id
            "#,
            Caller::of(self.user) as _,
            id.get()
        )
        .fetch_optional(self.db.connection())
        .await?;
        self.db.found(self.user, Mapping::NAME, deleted).await.map(drop)
    }

    /// Why nothing was assigned: the patient is not the caller's, or the doctor does not exist.
    async fn why_not(&self, new: &NewMapping) -> ApiError {
        match self.check_patient(new.patient).await {
            Ok(()) => {
                let message = format!("Invalid pk \"{}\" - object does not exist.", new.doctor_as_sent);
                ApiError::Invalid(FieldErrors::one("doctor", message))
            }
            Err(error) => error,
        }
    }

    /// Checks that a patient is the caller's.
    pub async fn check_patient(&self, patient: Id<Patient>) -> Result<()> {
        match self.db.patients(self.user).get(patient).await {
            Ok(_) => Ok(()),
            Err(ApiError::NoRow(_)) => Err(ApiError::BadRequest(NOT_YOUR_PATIENT.into())),
            Err(error) => Err(error),
        }
    }
}
