//! `/api/auth/me/export/`: all that is kept of one, as a file.

use axum::{
    body::Body,
    extract::State,
    http::header::CONTENT_DISPOSITION,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, future, stream, stream::BoxStream};
use utoipa::ToSchema;

use super::kept::{AccountView, AnswerView, ChangeView, SessionView};
use crate::{
    api::{
        answer::{JSON, Show, json},
        audit::ReadView,
        list,
        mappings::MappingView,
        patients::PatientView,
    },
    auth::CurrentUser,
    db::{
        Db,
        kept::{KeptAnswer, KeptChange, KeptChangeByOthers, KeptRead, KeptSession},
        listing::{ListRequest, Listed},
        mappings::Mapping,
        patients::Patient,
    },
    error::Result,
};

/// All that is kept of you.
// for the document: the parts are sent as they are read
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
#[schema(example = json!({
    "account": {
        "id": 1, "name": "Alice Smith", "email": "alice@example.com", "username": "alice", "is_staff": false,
        "is_superuser": false, "date_joined": "2026-01-31T09:30:00.123456Z",
        "last_login": "2026-01-31T09:30:00.123456Z", "updated_at": "2026-01-31T09:30:00.123456Z",
    },
    "sessions": [], "patients": [], "mappings": [], "kept_answers": [], "history": [], "history_by_others": [], "reads": [],
}))]
pub struct Export<'a> {
    account: AccountView,
    sessions: Vec<SessionView<'a>>,
    patients: Vec<PatientView<'a>>,
    mappings: Vec<MappingView>,
    /// What was made under an `Idempotency-Key` in the last 24 hours.
    kept_answers: Vec<AnswerView<'a>>,
    /// What you did.
    history: Vec<ChangeView<'a>>,
    /// What others did to your account and your logins.
    history_by_others: Vec<ChangeView<'a>>,
    /// What you read.
    reads: Vec<ReadView<'a>>,
}

/// Export all that is kept of you.
///
/// A file that is sent as it is read. If it breaks off, it is no JSON. Passwords and tokens are not in it; nobody has them.
#[utoipa::path(
    get, path = "/api/auth/me/export/", operation_id = "auth_me_export_retrieve", tag = "auth",
    responses((status = 200, description = "The file", body = Export,
        headers(("Content-Disposition" = String, description = "The name of the file")))),
)]
pub async fn export(user: CurrentUser, State(db): State<Db>) -> Result<Response> {
    let account = AccountView::from(db.kept_account(&user).await?);
    let name = format!("attachment; filename=\"account-{}.json\"", user.id());
    let begin = [b"{\"account\":".to_vec(), json(&account)?].concat();
    let parts = [
        part::<KeptSession>(&db, &user, "sessions"),
        part::<Patient>(&db, &user, "patients"),
        part::<Mapping>(&db, &user, "mappings"),
        part::<KeptAnswer>(&db, &user, "kept_answers"),
        part::<KeptChange>(&db, &user, "history"),
        part::<KeptChangeByOthers>(&db, &user, "history_by_others"),
        part::<KeptRead>(&db, &user, "reads"),
    ];
    let text = |text: Vec<u8>| stream::once(future::ready(Ok(text)));
    let body = text(begin).chain(stream::iter(parts).flatten()).chain(text(b"}".to_vec()));
    Ok(([JSON], [(CONTENT_DISPOSITION, name)], Body::from_stream(body)).into_response())
}

/// The rows of one kind, under their name.
fn part<T>(db: &Db, user: &CurrentUser, name: &str) -> BoxStream<'static, Result<Vec<u8>>>
where
    T: Listed,
    for<'r> T::Row<'r>: Show,
{
    let begin = format!(",\"{name}\":[").into_bytes();
    let rows = list::batches::<T>(db.clone(), Some(user.clone()), ListRequest::all::<T>(None), list::Rest::all());
    stream::once(future::ready(Ok(begin))).chain(rows).boxed()
}
