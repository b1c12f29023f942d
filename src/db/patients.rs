//! The patients of a user.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, Row as _, postgres::PgRow};

use super::{
    Db, Id, Model, Subject,
    caller::Caller,
    idempotency::{Inserted, Key, insert_error},
    listing::{Column, Kind, Listed},
    reads::Read,
};
use crate::{auth::CurrentUser, error::Result};

/// A patient, as stored.
#[derive(serde::Deserialize)]
pub struct Patient<S = String> {
    pub id: i64,
    pub first_name: S,
    /// Empty for a person with one name.
    pub last_name: S,
    pub date_of_birth: NaiveDate,
    /// The date was calculated from an age.
    pub date_of_birth_estimated: bool,
    pub gender: Gender,
    pub address: S,
    pub phone_number: S,
    pub email: S,
    pub medical_history: S,
    /// The owner's e-mail.
    pub created_by: S,
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

    fn subject(&self) -> Subject {
        Subject::Patient(self.id)
    }
}

/// The columns of `Listed::SELECT`, in its order.
impl<'r> FromRow<'r, PgRow> for Patient<&'r str> {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get_unchecked(0)?,
            first_name: row.try_get_unchecked(1)?,
            last_name: row.try_get_unchecked(2)?,
            date_of_birth: row.try_get_unchecked(3)?,
            date_of_birth_estimated: row.try_get_unchecked(4)?,
            gender: row.try_get_unchecked(5)?,
            address: row.try_get_unchecked(6)?,
            phone_number: row.try_get_unchecked(7)?,
            email: row.try_get_unchecked(8)?,
            medical_history: row.try_get_unchecked(9)?,
            created_by: row.try_get_unchecked(10)?,
            created_at: row.try_get_unchecked(11)?,
            updated_at: row.try_get_unchecked(12)?,
            version: row.try_get_unchecked(13)?,
        })
    }
}

impl Listed for Patient {
    type Row<'r> = Patient<&'r str>;

    const SELECT: &'static str = "p.id, p.first_name, p.last_name, p.date_of_birth, \
        p.date_of_birth_estimated, p.gender, p.address, p.phone_number, p.email, \
        p.medical_history, (select email from actor) as created_by, p.created_at, p.updated_at, \
        p.version";
    const LONG: Option<usize> = Some(9);
    const FROM: &'static str = "from patients p where p.created_by = (select id from actor)";
    const ID: &'static str = "p.id";
    const SEARCH: Option<&'static str> = Some("p.search");
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("id", "p.id", Kind::Id),
        Column::ordered("first_name", "p.first_name", Kind::Text),
        Column::ordered("last_name", "p.last_name", Kind::Text),
        Column::ordered("date_of_birth", "p.date_of_birth", Kind::Date),
        Column::filtered("gender", "p.gender", Kind::Choice("Gender", &["M", "F", "O"])),
        Column::filtered("phone_number", "p.phone_number", Kind::Text),
        Column::filtered("email", "lower(p.email)", Kind::Email),
        Column::ordered("created_at", "p.created_at", Kind::Time),
        Column::ordered("updated_at", "p.updated_at", Kind::Time),
    ];

    fn subject(row: &PgRow) -> sqlx::Result<Subject> {
        Ok(Subject::Patient(row.try_get(0)?))
    }
}

/// A patient to add.
#[derive(serde::Serialize)]
pub struct NewPatient {
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

/// What to change of a patient. None: left as it is.
#[derive(Default, serde::Serialize)]
pub struct PatientChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth_estimated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medical_history: Option<String>,
}

/// M, F, or O for other. Bodies may also say `male`, `female` or `other`, in any case of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
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
        let answer = self.db.shared.patients.ask(self.user, id.get(), self.db.limit).await?;
        let patient = self.db.only(self.user, Patient::NAME, answer)?;
        // what a write looks at is not shown
        if !self.user.writes() {
            self.db.reads.record(Read::new(self.user, [patient.subject()])).await?;
        }
        Ok(patient)
    }

    /// Adds one.
    pub async fn create(&self, new: &NewPatient, key: Option<&Key>) -> Result<Inserted<Patient>> {
        let patient = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1))
            insert into patients (
                created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender,
                address, phone_number, email, medical_history)
            select actor.id, $4, $5, $6, $7, $8, $9, $10, $11, $12
            from actor, keyed($2, $3)
            returning id, first_name, last_name, date_of_birth, date_of_birth_estimated,
                gender as "gender: Gender", address, phone_number, email, medical_history,
                (select email from actor) as "created_by!", created_at, updated_at, version
            "#,
            Caller::of(self.user) as _,
            key.map(|key| key.key.as_str()),
            key.map(|key| key.fingerprint.as_slice()),
            new.first_name,
            new.last_name,
            new.date_of_birth,
            new.date_of_birth_estimated,
            new.gender as Gender,
            new.address,
            new.phone_number,
            new.email,
            new.medical_history
        );
        match patient.fetch_optional(self.db.connection()).await {
            Ok(patient) => self.db.found(self.user, Patient::NAME, patient).await.map(Inserted::now),
            Err(error) => self.db.replay(self.user, "patients", key, insert_error(key, error)).await,
        }
    }

    /// Writes the fields that are set and no others, so that a change of other fields at the same time is not lost. With a
    /// `version`, changes only a row of that version. `read` is the row as it was read before.
    pub async fn update(&self, read: &Patient, change: &PatientChange, version: Option<i64>) -> Result<Patient> {
        let patient = sqlx::query_as!(
            Patient,
            r#"
            with actor as materialized (select * from actor($1))
            update patients p
            set first_name = coalesce($4, p.first_name), last_name = coalesce($5, p.last_name),
                date_of_birth = coalesce($6, p.date_of_birth),
                date_of_birth_estimated = coalesce($7, p.date_of_birth_estimated),
                gender = coalesce($8, p.gender), address = coalesce($9, p.address),
                phone_number = coalesce($10, p.phone_number), email = coalesce($11, p.email),
                medical_history = coalesce($12, p.medical_history)
            where p.id = $2 and p.version = coalesce($3, p.version)
                and p.created_by = (select id from actor)
            returning p.id, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated,
                p.gender as "gender: Gender", p.address, p.phone_number, p.email, p.medical_history,
                (select email from actor) as "created_by!", p.created_at, p.updated_at, p.version
            "#,
            Caller::of(self.user) as _,
            read.id,
            version,
            change.first_name,
            change.last_name,
            change.date_of_birth,
            change.date_of_birth_estimated,
            change.gender as Option<Gender>,
            change.address,
            change.phone_number,
            change.email,
            change.medical_history
        );
        let patient = patient.fetch_optional(self.db.connection()).await?;
        let patient = self.db.written(self.user, patient, version, self.get(read.id.into())).await?;
        // a change of nothing shows a patient, and the audit of changes does not have it
        if patient.version == read.version {
            self.db.reads.record(Read::new(self.user, [patient.subject()])).await?;
        }
        Ok(patient)
    }

    /// Deletes one, with its mappings. With a `version`, deletes only a row of that version.
    pub async fn delete(&self, id: Id<Patient>, version: Option<i64>) -> Result<()> {
        let deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            delete from patients p
            where p.id = $2 and p.version = coalesce($3, p.version)
                and p.created_by = (select id from actor)
            returning p.id
            "#,
            Caller::of(self.user) as _,
            id.get(),
            version
        );
        let deleted = deleted.fetch_optional(self.db.connection()).await?;
        self.db.written(self.user, deleted, version, self.get(id)).await.map(drop)
    }
}
