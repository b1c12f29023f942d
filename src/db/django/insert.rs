//! What takes rows in, a batch at a time.

use sqlx::PgConnection;

use super::Kind;

/// Inserts the rows that nothing is in the way of, and returns their ids.
pub(super) async fn insert(connection: &mut PgConnection, kind: Kind, rows: &str) -> sqlx::Result<Vec<i64>> {
    match kind {
        Kind::Users => users(connection, rows).await,
        Kind::Patients => patients(connection, rows).await,
        Kind::Doctors => doctors(connection, rows).await,
        Kind::Mappings => mappings(connection, rows).await,
    }
}

async fn users(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"
        insert into users (id, email, username, name, password_hash, is_active, is_staff, is_superuser, date_joined,
            last_login)
        overriding system value
        select n.id, n.email, n.username, n.name, n.password_hash, coalesce(n.is_active, true),
            coalesce(n.is_staff, false), coalesce(n.is_superuser, false), coalesce(n.date_joined, now()), n.last_login
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, email text, username text, name text,
            password_hash text, is_active boolean, is_staff boolean, is_superuser boolean, date_joined timestamptz,
            last_login timestamptz)
        on conflict do nothing
        returning id
        "#,
        rows
    )
    .fetch_all(connection)
    .await
}

async fn patients(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"
        insert into patients (id, created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender,
            address, phone_number, email, medical_history, created_at, updated_at)
        overriding system value
        select n.id, n.created_by, n.first_name, n.last_name, n.date_of_birth, n.date_of_birth_estimated, n.gender,
            n.address, n.phone_number, n.email, n.medical_history, coalesce(n.created_at, now()),
            coalesce(n.updated_at, n.created_at, now())
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, created_by bigint, first_name text, last_name text,
            date_of_birth date, date_of_birth_estimated boolean, gender text, address text, phone_number text,
            email text, medical_history text, created_at timestamptz, updated_at timestamptz)
        on conflict do nothing
        returning id
        "#,
        rows
    )
    .fetch_all(connection)
    .await
}

async fn doctors(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"
        insert into doctors (id, first_name, last_name, specialty, phone_number, email, license_number, created_at,
            updated_at)
        overriding system value
        select n.id, n.first_name, n.last_name, n.specialty, n.phone_number, n.email, n.license_number,
            coalesce(n.created_at, now()), coalesce(n.updated_at, n.created_at, now())
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, first_name text, last_name text, specialty text,
            phone_number text, email text, license_number text, created_at timestamptz, updated_at timestamptz)
        on conflict do nothing
        returning id
        "#,
        rows
    )
    .fetch_all(connection)
    .await
}

async fn mappings(connection: &mut PgConnection, rows: &str) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"
        insert into patient_doctor_mappings (id, patient_id, doctor_id, created_by, assigned_at)
        overriding system value
        select n.id, n.patient, n.doctor, p.created_by, coalesce(n.assigned_at, now())
        from jsonb_to_recordset($1::text::jsonb) as n (id bigint, patient bigint, doctor bigint, assigned_at timestamptz)
        join patients p on p.id = n.patient
        order by n.id
        on conflict do nothing
        returning id
        "#,
        rows
    )
    .fetch_all(connection)
    .await
}
