//! What is in the way of rows: a row with the same id, which may be the same, or one that has what must be unique.

use sqlx::PgConnection;

use super::{Existing, Kind};

/// What keeps each row from being taken.
pub(super) async fn existing(connection: &mut PgConnection, kind: Kind, rows: &str) -> sqlx::Result<Vec<Existing>> {
    match kind {
        Kind::Users => users(connection, rows).await,
        Kind::Patients => patients(connection, rows).await,
        Kind::Doctors => doctors(connection, rows).await,
        Kind::Mappings => mappings(connection, rows).await,
    }
}

fn taken(rules: [(&'static str, Option<i64>); 2]) -> Vec<(&'static str, i64)> {
    rules.into_iter().filter_map(|(rule, id)| Some((rule, id?))).collect()
}

/// A password and the last login are not compared: they move on when a user logs in.
async fn users(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<Existing>> {
    let rows = sqlx::query!(
        r#"
        select n.id as "id!", o.id is not null as "is_there!", array_remove(array[
                case when o.email <> n.email then 'email' end,
                case when o.username is distinct from n.username then 'username' end,
                case when o.name <> n.name then 'name' end,
                case when o.is_active <> n.is_active then 'is_active' end,
                case when o.is_staff <> n.is_staff then 'is_staff' end,
                case when o.is_superuser <> n.is_superuser then 'is_superuser' end,
                case when o.date_joined <> n.date_joined then 'date_joined' end], null) as "different!: Vec<String>",
            (select e.id from users e where lower(e.email) = lower(n.email) and e.id <> n.id) as email,
            (select e.id from users e where lower(e.username) = lower(n.username) and e.id <> n.id) as username
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, email text, username text, name text,
            is_active boolean, is_staff boolean, is_superuser boolean, date_joined timestamptz)
        left join users o on o.id = n.id
        "#,
        rows
    )
    .fetch_all(connection)
    .await?;
    let existing = rows.into_iter().map(|row| Existing {
        id: row.id,
        different: row.is_there.then_some(row.different),
        taken: taken([("users_email_key", row.email), ("users_username_key", row.username)]),
    });
    Ok(existing.collect())
}

/// A date of birth that was counted back from the day of the import is not compared.
async fn patients(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<Existing>> {
    let rows = sqlx::query!(
        r#"
        select n.id as "id!", o.id is not null as "is_there!", array_remove(array[
                case when o.created_by <> n.created_by then 'created_by' end,
                case when o.first_name <> n.first_name then 'first_name' end,
                case when o.last_name <> n.last_name then 'last_name' end,
                case when o.date_of_birth_estimated <> n.date_of_birth_estimated
                    or o.date_of_birth <> n.date_of_birth
                        and not (n.date_of_birth_estimated and coalesce(n.updated_at, n.created_at) is null)
                    then 'date_of_birth' end,
                case when o.gender <> n.gender then 'gender' end,
                case when o.address <> n.address then 'address' end,
                case when o.phone_number <> n.phone_number then 'phone_number' end,
                case when o.email <> n.email then 'email' end,
                case when o.medical_history <> n.medical_history then 'medical_history' end,
                case when o.created_at <> n.created_at then 'created_at' end], null) as "different!: Vec<String>"
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, created_by bigint, first_name text, last_name text,
            date_of_birth date, date_of_birth_estimated boolean, gender text, address text, phone_number text,
            email text, medical_history text, created_at timestamptz, updated_at timestamptz)
        left join patients o on o.id = n.id
        "#,
        rows
    )
    .fetch_all(connection)
    .await?;
    let existing = rows.into_iter().map(|row| Existing {
        id: row.id,
        different: row.is_there.then_some(row.different),
        taken: Vec::new(),
    });
    Ok(existing.collect())
}

async fn doctors(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<Existing>> {
    let rows = sqlx::query!(
        r#"
        select n.id as "id!", o.id is not null as "is_there!", array_remove(array[
                case when o.first_name <> n.first_name then 'first_name' end,
                case when o.last_name <> n.last_name then 'last_name' end,
                case when o.specialty <> n.specialty then 'specialty' end,
                case when o.phone_number <> n.phone_number then 'phone_number' end,
                case when o.email is distinct from n.email then 'email' end,
                case when o.license_number is distinct from n.license_number then 'license_number' end,
                case when o.created_at <> n.created_at then 'created_at' end], null) as "different!: Vec<String>",
            (select e.id from doctors e where lower(e.email) = lower(n.email) and e.id <> n.id) as email,
            (select e.id from doctors e where e.license_number = n.license_number and e.id <> n.id) as license_number
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, first_name text, last_name text, specialty text,
            phone_number text, email text, license_number text, created_at timestamptz)
        left join doctors o on o.id = n.id
        "#,
        rows
    )
    .fetch_all(connection)
    .await?;
    let existing = rows.into_iter().map(|row| Existing {
        id: row.id,
        different: row.is_there.then_some(row.different),
        taken: taken([("doctors_email_key", row.email), ("doctors_license_number_key", row.license_number)]),
    });
    Ok(existing.collect())
}

async fn mappings(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<Existing>> {
    let rows = sqlx::query!(
        r#"
        select n.id as "id!", o.id is not null as "is_there!", array_remove(array[
                case when o.patient_id <> n.patient then 'patient' end,
                case when o.doctor_id <> n.doctor then 'doctor' end,
                case when o.assigned_at <> n.assigned_at then 'assigned_at' end], null) as "different!: Vec<String>",
            (select e.id from patient_doctor_mappings e
                where e.patient_id = n.patient and e.doctor_id = n.doctor and e.id <> n.id) as pair
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, patient bigint, doctor bigint, assigned_at timestamptz)
        left join patient_doctor_mappings o on o.id = n.id
        "#,
        rows
    )
    .fetch_all(connection)
    .await?;
    let existing = rows.into_iter().map(|row| Existing {
        id: row.id,
        different: row.is_there.then_some(row.different),
        taken: taken([("patient_doctor_mappings_patient_id_doctor_id_key", row.pair), ("", None)]),
    });
    Ok(existing.collect())
}
