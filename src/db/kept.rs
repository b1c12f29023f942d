//! What is kept of a user, beside patients and mappings: for the user's own export.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, postgres::PgRow};

use super::{
    Db, Subject,
    accesses::Read,
    caller::Caller,
    listing::{Column, Kind, Listed},
};
use crate::{auth::CurrentUser, error::Result};

/// An account, without the hash of its password.
pub struct KeptAccount {
    pub id: i64,
    pub name: String,
    pub email: String,
    pub username: Option<String>,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub date_joined: DateTime<Utc>,
    pub last_login: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

/// A login or an API token, also one that has ended.
#[derive(sqlx::FromRow)]
pub struct KeptSession {
    pub id: i64,
    /// Of an API token. None: it is a login.
    pub name: Option<String>,
    pub is_read_only: bool,
    /// The `User-Agent` header of the login.
    pub user_agent: String,
    pub address: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Listed for KeptSession {
    type Row<'r> = Self;

    const SELECT: &'static str = "s.id, s.name, s.is_read_only, s.user_agent, s.address, s.created_at, s.last_used_at, \
        s.expires_at, s.ended_at";
    const FROM: &'static str = "from sessions s where s.user_id = (select id from actor)";
    const ID: &'static str = "s.id";
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[Column::ordered("id", "s.id", Kind::Id)];
}

/// What was made under an `Idempotency-Key`.
#[derive(sqlx::FromRow)]
pub struct KeptAnswer {
    /// The table that the row went to.
    pub route: String,
    pub key: String,
    pub created_at: DateTime<Utc>,
    pub answer: Value,
}

impl Listed for KeptAnswer {
    type Row<'r> = Self;

    const SELECT: &'static str = "hashtextextended(k.route || ' ' || k.key, 0) as number, k.route, k.key, \
        k.created_at, k.answer";
    const LONG: Option<usize> = Some(4);
    const FROM: &'static str = "from idempotency_keys k where k.user_id = (select id from actor)";
    // they have no numbers: this tells apart what was made at the same time
    const ID: &'static str = "hashtextextended(k.route || ' ' || k.key, 0)";
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[Column::ordered("created_at", "k.created_at", Kind::Time)];
    const ORDERING: &'static str = "created_at";

    fn subject(row: &PgRow) -> sqlx::Result<Subject> {
        let row = Self::from_row(row)?;
        let id = row.answer.get("id").and_then(Value::as_i64);
        Ok(Subject::of(&row.route, id, Some(&row.answer)))
    }
}

/// A row of the audit that is by the user.
#[derive(sqlx::FromRow)]
pub struct KeptChange {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: Option<String>,
    pub via: String,
    pub address: Option<String>,
    pub session: Option<i64>,
    pub request_id: String,
    pub event: Option<String>,
    pub table: String,
    pub row: Option<i64>,
    pub action: String,
    pub old_values: Option<Value>,
    pub new_values: Option<Value>,
}

impl Listed for KeptChange {
    type Row<'r> = Self;

    const SELECT: &'static str = "a.id, a.at, a.actor_email as actor, a.via, a.address, a.session_id as session, \
        a.request_id, a.event, a.table_name as \"table\", a.row_id as \"row\", shown_action(a.action) as action, \
        a.old_values, a.new_values";
    const LONG: Option<usize> = Some(12);
    const FROM: &'static str = "from audit_log a where a.actor_id = (select id from actor)";
    const ID: &'static str = "a.id";
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[Column::ordered("at", "a.at", Kind::Time)];
    const ORDERING: &'static str = "at";

    fn subject(row: &PgRow) -> sqlx::Result<Subject> {
        let row = Self::from_row(row)?;
        Ok(Subject::of(&row.table, row.row, row.new_values.as_ref().or(row.old_values.as_ref())))
    }
}

/// A row of the audit that is by somebody else, about the user's account or logins.
#[derive(sqlx::FromRow)]
pub struct KeptChangeByOthers {
    #[sqlx(flatten)]
    pub change: KeptChange,
}

impl Listed for KeptChangeByOthers {
    type Row<'r> = Self;

    const SELECT: &'static str = KeptChange::SELECT;
    const FROM: &'static str = "from audit_log a where a.actor_id is distinct from (select id from actor) \
        and (a.table_name = 'users' and a.row_id = (select id from actor) or a.table_name = 'sessions' \
            and a.row_id = any(array(select s.id from sessions s where s.user_id = (select id from actor))))";
    const ID: &'static str = KeptChange::ID;
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = KeptChange::COLUMNS;
    const ORDERING: &'static str = KeptChange::ORDERING;
}

/// A read by the user.
#[derive(sqlx::FromRow)]
pub struct KeptRead {
    #[sqlx(flatten)]
    pub read: Read,
}

impl Listed for KeptRead {
    type Row<'r> = Self;

    const SELECT: &'static str = Read::SELECT;
    const FROM: &'static str = "from access_log r where r.actor_id = (select id from actor)";
    const ID: &'static str = Read::ID;
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[Column::ordered("at", "r.at", Kind::Time)];
    const ORDERING: &'static str = "at";
}

impl Db {
    /// The caller's own account, as it is kept.
    pub async fn kept_account(&self, user: &CurrentUser) -> Result<KeptAccount> {
        let account = sqlx::query_as!(
            KeptAccount,
            r#"
            with actor as materialized (select * from actor($1))
            select u.id, u.name, u.email, u.username, u.is_staff, u.is_superuser, u.date_joined, u.last_login,
                u.updated_at
            from users u
            where u.id = (select id from actor)
            "#,
            Caller::of(user) as _
        );
        let account = account.fetch_optional(self.reading_connection()).await?;
        self.found(user, "User", account).await
    }
}
