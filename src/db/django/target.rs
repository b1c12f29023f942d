//! The transaction that takes rows in: all of them or none, and the schema with them if it is not there yet.

use std::time::Duration;

use serde_json::Value;
use sqlx::{
    ConnectOptions, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Kind, Rows, compare, insert};
use crate::db::schema::{self, SchemaError};

/// What keeps a row from being taken: one that is here.
pub struct Existing {
    pub id: i64,
    /// The fields in which the row with the same id is another. None: there is none.
    pub different: Option<Vec<String>>,
    /// Rows that have what must be unique: the name of the rule, and the id.
    pub taken: Vec<(&'static str, i64)>,
}

/// A transaction in which the import writes, as the system. It is rolled back unless it is committed.
pub struct Target {
    transaction: Transaction<'static, Postgres>,
    pool: PgPool,
    /// Holds the lock of the migrations.
    _turn: PgConnection,
}

impl Target {
    /// Begins, migrates, and keeps others from writing until the end.
    pub async fn begin(options: &PgConnectOptions, patience: Duration) -> Result<Self, SchemaError> {
        let options = schema::patient(options, patience).disable_statement_logging();
        let mut turn = schema::connect_in_turn(&options, patience).await?;
        schema::refuse_tables_of_our_names(&mut turn).await?;
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        #[expect(clippy::disallowed_methods, reason = "nobody cancels it")]
        let mut transaction = pool.begin().await?;
        schema::run_migrations(&mut transaction).await?;
        sqlx::query!("select act_as(0, 'import-django', 'system', 'import-django')")
            .fetch_one(&mut *transaction)
            .await?;
        sqlx::query!("lock table users, patients, doctors, patient_doctor_mappings in share row exclusive mode")
            .execute(&mut *transaction)
            .await?;
        Ok(Self { transaction, pool, _turn: turn })
    }

    /// How many rows each table has.
    pub async fn counts(&mut self) -> Result<Rows, SchemaError> {
        let counts = sqlx::query!(
            r#"
            select
                (select count(*) from users) as "users!",
                (select count(*) from patients) as "patients!",
                (select count(*) from doctors) as "doctors!",
                (select count(*) from patient_doctor_mappings) as "mappings!"
            "#
        )
        .fetch_one(&mut *self.transaction)
        .await?;
        let counts = [counts.users, counts.patients, counts.doctors, counts.mappings];
        Ok(Kind::ALL.into_iter().zip(counts).collect())
    }

    /// Inserts rows, and returns the ids of those that nothing was in the way of. A row is an object with the columns of
    /// the table.
    pub async fn insert(&mut self, kind: Kind, rows: &[Value]) -> Result<Vec<i64>, SchemaError> {
        let rows = Value::from(rows).to_string();
        Ok(insert::insert(&mut self.transaction, kind, &rows).await?)
    }

    /// What is in the way of rows that were not inserted.
    pub async fn existing(&mut self, kind: Kind, rows: &[Value]) -> Result<Vec<Existing>, SchemaError> {
        let rows = Value::from(rows).to_string();
        Ok(compare::existing(&mut self.transaction, kind, &rows).await?)
    }

    /// Keeps everything. New rows get higher ids than those that were taken.
    pub async fn commit(mut self) -> Result<(), SchemaError> {
        sqlx::query!(
            r#"
            select setval(s.sequence, s.greatest)
            from (values
                (pg_get_serial_sequence('users', 'id')::regclass, (select max(id) from users)),
                (pg_get_serial_sequence('patients', 'id')::regclass, (select max(id) from patients)),
                (pg_get_serial_sequence('doctors', 'id')::regclass, (select max(id) from doctors)),
                (pg_get_serial_sequence('patient_doctor_mappings', 'id')::regclass,
                    (select max(id) from patient_doctor_mappings))) s (sequence, greatest)
            where s.greatest > coalesce(pg_sequence_last_value(s.sequence), 0)
            "#
        )
        .fetch_all(&mut *self.transaction)
        .await?;
        self.transaction.commit().await?;
        self.pool.close().await;
        Ok(())
    }

    /// Keeps nothing.
    pub async fn roll_back(self) -> Result<(), SchemaError> {
        self.transaction.rollback().await?;
        self.pool.close().await;
        Ok(())
    }
}
