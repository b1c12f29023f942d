//! The mappings and the doctors of one patient.

use std::iter;

use sqlx::PgConnection;

use super::{
    Id, Model, Subject,
    caller::{Caller, Refusal},
    doctors::Doctor,
    mappings::{self, Mapping},
    patients::Patient,
    reads::Read,
    shared::{Answer, Found, Place, SharedRead},
};
use crate::error::{ApiError, Result};

/// A patient with more doctors is read alone. The statements have one more.
const FEW: usize = 50;

impl mappings::Mappings<'_> {
    /// Those of one patient.
    pub async fn of_patient(&self, patient: Id<Patient>) -> Result<Vec<Mapping>> {
        let answer = self.db.shared.mappings_of_patients.ask(self.user, patient.get(), self.db.limit).await?;
        if answer.rows.len() <= FEW {
            return self.shown(patient, answer).await;
        }
        let mappings = sqlx::query_as!(
            Mapping,
            r#"
            with actor as materialized (select * from actor($1)),
            patient as materialized (
                select p.id, p.first_name, p.last_name
                from patients p
                where p.id = $2 and p.created_by = (select id from actor))
            select m.id, m.patient_id, m.doctor_id, p.first_name as patient_first_name,
                p.last_name as patient_last_name, d.first_name as doctor_first_name,
                d.last_name as doctor_last_name, m.assigned_at
            from patient p
            join patient_doctor_mappings m on m.patient_id = p.id
            join doctors d on d.id = m.doctor_id
            order by m.id
            "#,
            Caller::of(self.user) as _,
            patient.get()
        );
        let rows = mappings.fetch_all(self.db.reading_connection()).await?;
        self.all_shown(patient, rows).await
    }

    /// The doctors of one patient, by ascending id.
    pub async fn doctors_of(&self, patient: Id<Patient>) -> Result<Vec<Doctor>> {
        let answer = self.db.shared.doctors_of_patients.ask(self.user, patient.get(), self.db.limit).await?;
        if answer.rows.len() <= FEW {
            return self.shown(patient, answer).await;
        }
        let doctors = sqlx::query_as!(
            Doctor,
            r#"
            with actor as materialized (select * from actor($1)),
            patient as materialized (
                select p.id
                from patients p
                where p.id = $2 and p.created_by = (select id from actor))
            select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email,
                d.license_number, d.created_at, d.updated_at, d.version
            from patient p
            join patient_doctor_mappings m on m.patient_id = p.id
            join doctors d on d.id = m.doctor_id
            order by d.id
            "#,
            Caller::of(self.user) as _,
            patient.get()
        );
        let rows = doctors.fetch_all(self.db.reading_connection()).await?;
        self.all_shown(patient, rows).await
    }

    /// The rows of a patient, which the caller is shown; 404 if it is not the caller's.
    async fn shown<T: Model>(&self, patient: Id<Patient>, answer: Answer<T>) -> Result<Vec<T>> {
        if !answer.is_found {
            return Err(ApiError::NoRow(Patient::NAME));
        }
        let subject = iter::once(Subject::Patient(patient.get()));
        let read = Read::new(self.user, subject.chain(answer.rows.iter().map(T::subject)));
        self.db.reads.record(read).await?;
        Ok(answer.rows)
    }

    /// The same of a patient with many. If there are none any more, it is found out why.
    async fn all_shown<T: Model>(&self, patient: Id<Patient>, rows: Vec<T>) -> Result<Vec<T>> {
        if rows.is_empty() {
            self.db.patients(self.user).get(patient).await?;
            return Ok(rows);
        }
        self.shown(patient, Answer::found(rows)).await
    }
}

/// The mappings of one of the asker's own patients, if there are few.
pub(super) struct Mappings;

impl SharedRead for Mappings {
    type Row = Mapping;

    async fn read(
        connection: &mut PgConnection,
        callers: &[Caller],
        keys: &[i64],
    ) -> sqlx::Result<Vec<Found<Mapping>>> {
        let rows = sqlx::query!(
            r#"
            with actor as (select * from actors($1))
            select a.n as "n!", a.user_id as "user_id!", coalesce(a.is_staff, false) as "is_staff!",
                a.refusal as "refusal: Refusal", p.id as "patient_id?", p.created_by as "owner?",
                p.first_name as "patient_first_name?", p.last_name as "patient_last_name?", m.id as "id?",
                m.doctor_id as "doctor_id?", m.first_name as "doctor_first_name?", m.last_name as "doctor_last_name?",
                m.assigned_at as "assigned_at?"
            from actor a
            left join lateral (
                select p.id, p.created_by, p.first_name, p.last_name
                from patients p
                where p.id = ($2::bigint[])[a.n] and p.created_by = a.user_id and a.refusal is null
                offset 0) p on true
            left join lateral (
                select m.id, m.doctor_id, m.assigned_at, d.first_name, d.last_name
                from patient_doctor_mappings m
                join doctors d on d.id = m.doctor_id
                where m.patient_id = p.id
                limit 51) m on true
            order by a.n, m.id
            "#,
            callers as _,
            keys
        );
        let rows = rows.fetch_all(connection).await?.into_iter().map(|row| Found {
            place: Place { n: row.n, user_id: row.user_id, is_staff: row.is_staff, refusal: row.refusal },
            key: row.patient_id,
            owner: row.owner,
            row: Some(row).and_then(|row| {
                Some(Mapping {
                    id: row.id?,
                    patient_id: row.patient_id?,
                    doctor_id: row.doctor_id?,
                    patient_first_name: row.patient_first_name?,
                    patient_last_name: row.patient_last_name?,
                    doctor_first_name: row.doctor_first_name?,
                    doctor_last_name: row.doctor_last_name?,
                    assigned_at: row.assigned_at?,
                })
            }),
        });
        Ok(rows.collect())
    }
}

/// The doctors of one of the asker's own patients, if there are few.
pub(super) struct Doctors;

impl SharedRead for Doctors {
    type Row = Doctor;

    async fn read(connection: &mut PgConnection, callers: &[Caller], keys: &[i64]) -> sqlx::Result<Vec<Found<Doctor>>> {
        let rows = sqlx::query!(
            r#"
            with actor as (select * from actors($1))
            select a.n as "n!", a.user_id as "user_id!", coalesce(a.is_staff, false) as "is_staff!",
                a.refusal as "refusal: Refusal", p.id as "patient_id?", p.created_by as "owner?", d.id as "id?",
                d.first_name as "first_name?", d.last_name as "last_name?", d.specialty as "specialty?",
                d.phone_number as "phone_number?", d.email as "email?", d.license_number as "license_number?",
                d.created_at as "created_at?", d.updated_at as "updated_at?", d.version as "version?"
            from actor a
            left join lateral (
                select p.id, p.created_by
                from patients p
                where p.id = ($2::bigint[])[a.n] and p.created_by = a.user_id and a.refusal is null
                offset 0) p on true
            left join lateral (
                select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email, d.license_number,
                    d.created_at, d.updated_at, d.version
                from patient_doctor_mappings m
                join doctors d on d.id = m.doctor_id
                where m.patient_id = p.id
                limit 51) d on true
            order by a.n, d.id
            "#,
            callers as _,
            keys
        );
        let rows = rows.fetch_all(connection).await?.into_iter().map(|row| Found {
            place: Place { n: row.n, user_id: row.user_id, is_staff: row.is_staff, refusal: row.refusal },
            key: row.patient_id,
            owner: row.owner,
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
