//! The audit as staff see it: who did what, when and from where, without the values of what was changed.

use chrono::{DateTime, Utc};

use super::{
    Db,
    listing::{Column, Kind, Listed},
};
use crate::{auth::CurrentUser, error::Result};

/// A change, or an event without a change.
#[derive(sqlx::FromRow)]
pub struct AuditEntry {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// None: nobody's account, as of a login with an unknown name.
    pub actor_id: Option<i64>,
    /// The e-mail of the account, as it was then.
    pub actor: Option<String>,
    pub via: String,
    pub address: Option<String>,
    pub session: Option<i64>,
    pub request_id: String,
    pub event: Option<String>,
    pub table: String,
    pub row: Option<i64>,
    pub action: AuditAction,
    /// The names of the columns that an update changed.
    pub fields: Vec<String>,
}

/// What was done to a row; or `event`, where nothing was changed.
#[derive(Debug, Clone, Copy, serde::Serialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AuditAction {
    Created,
    Changed,
    Deleted,
    Event,
}

impl AuditAction {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "added",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Event => "event",
        }
    }
}

impl Listed for AuditEntry {
    type Row<'r> = Self;

    const SELECT: &'static str = "a.id, a.at, a.actor_id, a.actor_email as actor, a.via, a.address, \
        a.session_id as session, a.request_id, a.event, a.table_name as \"table\", a.row_id as \"row\", \
        shown_action(a.action) as action, \
        array(select jsonb_object_keys(a.new_values) where a.action = 'UPDATE') as fields";
    const FROM: &'static str = "from audit_log a where (select is_staff from actor)";
    const ID: &'static str = "a.id";
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = false;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("id", "a.id", Kind::Id),
        Column::ordered("at", "a.at", Kind::Time),
        Column::filtered("actor_id", "a.actor_id", Kind::Id),
        Column::filtered("actor", "lower(a.actor_email)", Kind::Email),
        Column::filtered("via", "a.via", Kind::Text),
        Column::filtered("address", "a.address", Kind::Text),
        Column::filtered("session", "a.session_id", Kind::Id),
        Column::filtered("request_id", "a.request_id", Kind::Text),
        Column::filtered("event", "a.event", Kind::Text),
        Column::filtered("table", "a.table_name", Kind::Text),
        Column::filtered("row", "a.row_id", Kind::Id),
        Column::filtered(
            "action",
            "shown_action(a.action)",
            Kind::Choice("AuditAction", &["created", "changed", "deleted", "event"]),
        ),
    ];
    const ORDERING: &'static str = "-at";

    async fn check(db: &Db, user: &CurrentUser, _: Option<i64>) -> Result<()> {
        db.check_staff(user).await
    }
}
