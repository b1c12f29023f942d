//! One patient, for many who ask at once.

use sqlx::PgConnection;

use super::{
    caller::{Caller, Refusal},
    patients::{Gender, Patient},
    shared::{Found, Place, SharedRead},
};

/// One of the asker's own patients.
pub(super) struct OnePatient;

impl SharedRead for OnePatient {
    type Row = Patient;

    async fn read(
        connection: &mut PgConnection,
        callers: &[Caller],
        keys: &[i64],
    ) -> sqlx::Result<Vec<Found<Patient>>> {
        let rows = sqlx::query!(
            r#"
            with actor as (select * from actors($1))
            select a.n as "n!", a.user_id as "user_id!", coalesce(a.is_staff, false) as "is_staff!",
                a.refusal as "refusal: Refusal", p.created_by as "owner?", p.id as "id?", p.first_name as "first_name?",
                p.last_name as "last_name?", p.date_of_birth as "date_of_birth?",
                p.date_of_birth_estimated as "date_of_birth_estimated?", p.gender as "gender?: Gender",
                p.address as "address?", p.phone_number as "phone_number?", p.email as "email?",
                p.medical_history as "medical_history?", a.email as "created_by?", p.created_at as "created_at?",
                p.updated_at as "updated_at?", p.version as "version?"
            from actor a
            left join lateral (
                select p.id, p.created_by, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated,
                    p.gender, p.address, p.phone_number, p.email, p.medical_history, p.created_at, p.updated_at,
                    p.version
                from patients p
                where p.id = ($2::bigint[])[a.n] and p.created_by = a.user_id and a.refusal is null
                offset 0) p on true
            "#,
            callers as _,
            keys
        );
        let rows = rows.fetch_all(connection).await?.into_iter().map(|row| Found {
            place: Place { n: row.n, user_id: row.user_id, is_staff: row.is_staff, refusal: row.refusal },
            key: row.id,
            owner: row.owner,
            row: Some(row).and_then(|row| {
                Some(Patient {
                    id: row.id?,
                    first_name: row.first_name?,
                    last_name: row.last_name?,
                    date_of_birth: row.date_of_birth?,
                    date_of_birth_estimated: row.date_of_birth_estimated?,
                    gender: row.gender?,
                    address: row.address?,
                    phone_number: row.phone_number?,
                    email: row.email?,
                    medical_history: row.medical_history?,
                    created_by: row.created_by?,
                    created_at: row.created_at?,
                    updated_at: row.updated_at?,
                    version: row.version?,
                })
            }),
        });
        Ok(rows.collect())
    }
}
