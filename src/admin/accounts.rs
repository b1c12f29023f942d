//! What accounts have beside other rows: a password, and logins.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde_json::json;

use super::{
    AdminState, form,
    form::Shown,
    model::{Ask, Field, Model, OfRow},
    notice::{Done, Notice},
    page::Page,
    record::{refusal, with_status},
    value,
    visit::Visit,
};
use crate::{
    accounts::{self, Registration},
    db::{
        admin::{rows::Record, users::USERS, write::Values},
        users::Rank,
    },
    error::{ApiError, FieldErrors, Result},
    input::{Body, Form},
};

static NEW: [Field; 7] = [
    Field::new("email", "E-mail", Ask::Line("email")).required(),
    Field::text("username", "Username").help("If there is none, the e-mail is shown instead."),
    Field::text("name", "Name").help("If there is none, it is the username."),
    Field::new("password", "Password", Ask::Line("password")).required(),
    Field::new("password2", "Password again", Ask::Line("password")).required(),
    Field::new("is_staff", "Staff", Ask::Flag).help("May work here. Only superusers make staff."),
    Field::new("is_superuser", "Superuser", Ask::Flag).help("May also change accounts of staff."),
];

static PASSWORD: [Field; 2] = [
    Field::new("password", "New password", Ask::Line("password")).required(),
    Field::new("password2", "New password again", Ask::Line("password")).required(),
];

/// The form for a new account.
pub(super) async fn add_page(visit: Visit) -> Response {
    add_form(&visit, &Shown::default())
}

fn add_form(visit: &Visit, shown: &Shown<'_>) -> Response {
    let content = html! {
        form .card .record method="post" data-login=(visit.to("password/")) {
            (form::logged_out(visit))
            div .fields { (form::fields(visit, &NEW, shown)) }
            div .buttons {
                button .primary name="_save" value="1" { "Save" }
                button name="_addanother" value="1" { "Save and add another" }
                button name="_continue" value="1" { "Save and continue editing" }
            }
        }
    };
    let trail = [(visit.list(&USERS), USERS.title.to_owned())];
    visit.page(Page { title: "Add user", trail: &trail, place: "users/", ..Page::default() }, content)
}

/// Makes an account, by the rules of registration.
pub(super) async fn add(visit: Visit, State(state): State<AdminState>, sent: Form) -> Result<Response> {
    let made = make(&visit, &state, &sent).await;
    match made {
        Ok(id) => {
            let next = match (sent.has("_addanother"), sent.has("_continue")) {
                (true, _) => format!("users/add/{}", visit.carried()),
                (_, true) => format!("users/{id}/change/{}", visit.carried()),
                _ => visit.list(&USERS),
            };
            Ok(visit.go(&next, Notice::of_row(Done::Added, &USERS, id)))
        }
        Err(error) => {
            let (errors, status) = match error {
                ApiError::Invalid(errors) => (errors, StatusCode::BAD_REQUEST),
                error => refusal(error)?,
            };
            let shown = Shown { typed: Some(&without_passwords(&sent)), errors, ..Shown::default() };
            Ok(with_status(add_form(&visit, &shown), status))
        }
    }
}

async fn make(visit: &Visit, state: &AdminState, sent: &Form) -> Result<i64> {
    let mut sent = sent.clone();
    for name in ["username", "name"] {
        // a browser also sends what nobody filled in
        if sent.text(name).is_empty() {
            sent.remove(name);
        }
    }
    let body: Body<Registration> = sent.body();
    let account = accounts::read(&state.db, &state.passwords, &body).await?;
    let (is_staff, is_superuser) = (sent.text("is_staff") == "true", sent.text("is_superuser") == "true");
    if (is_staff || is_superuser) && !visit.admin.member().is_superuser {
        return Err(visit.admin.why_refused());
    }
    let account = accounts::hashed(&state.passwords, account, Rank::User).await?;
    let values = json!({
        "email": account.email,
        "username": account.username,
        "name": account.name,
        "password_hash": account.password_hash,
        "is_active": true,
        "is_staff": is_staff,
        "is_superuser": is_superuser,
    });
    let values: Values = values.as_object().cloned().unwrap_or_default();
    match visit.admin.insert(&USERS, &values).await {
        Ok(id) => Ok(id),
        Err(ApiError::Invalid(error)) => {
            // PostgreSQL names only one
            let taken = state.db.taken(Some(&account.email), account.username.as_deref()).await?;
            Err(ApiError::Invalid(if taken.is_empty() { error } else { taken }))
        }
        Err(error) => Err(error),
    }
}

/// A password is never shown again.
fn without_passwords(sent: &Form) -> Form {
    let mut shown = sent.clone();
    shown.set("password", "");
    shown.set("password2", "");
    shown
}

/// The form for another password of an account.
pub(super) async fn password_page(visit: Visit, OfRow(model, id): OfRow) -> Result<Response> {
    let record = account(&visit, model, id).await?;
    if id == visit.admin.member().id {
        return Ok(own_password(&visit));
    }
    if !record.may_change {
        return Err(visit.admin.why_refused());
    }
    Ok(password_form(&visit, &record, FieldErrors::default()))
}

/// One's own password is changed with the old one.
fn own_password(visit: &Visit) -> Response {
    Redirect::to(&visit.to("password/")).into_response()
}

async fn account(visit: &Visit, model: &'static Model, id: i64) -> Result<Record> {
    if model.is_account { visit.admin.get(model.table, id).await } else { Err(ApiError::NotFound) }
}

fn password_form(visit: &Visit, record: &Record, errors: FieldErrors) -> Response {
    let shown = Shown { errors, ..Shown::default() };
    let content = html! {
        form .card method="post" {
            p { "All logins and API tokens of " strong { (record.label) } " end." }
            (form::fields(visit, &PASSWORD, &shown))
            div .buttons { button .primary { "Set password" } }
        }
    };
    let trail = [
        (visit.list(&USERS), USERS.title.to_owned()),
        (format!("users/{}/change/{}", record.id, visit.carried()), record.label.clone()),
    ];
    let page = Page { title: "Set password", trail: &trail, place: "users/", ..Page::default() };
    let mut response = visit.page(page, content);
    if !shown.errors.is_empty() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

/// Gives an account another password.
pub(super) async fn set_password(
    visit: Visit,
    OfRow(model, id): OfRow,
    State(state): State<AdminState>,
    sent: Form,
) -> Result<Response> {
    let record = account(&visit, model, id).await?;
    if id == visit.admin.member().id {
        return Ok(own_password(&visit));
    }
    let text = |name: &str| record.values.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let attributes = [("username", text("username")), ("name", text("name")), ("email", text("email"))];
    let password = sent.text("password");
    let mut errors = FieldErrors::default();
    for message in state.passwords.validate(password, &attributes) {
        errors.add("password", message);
    }
    if password != sent.text("password2") {
        errors.add("password2", "The two passwords are different.");
    }
    if !errors.is_empty() {
        return Ok(password_form(&visit, &record, errors));
    }
    let hash = state.passwords.hash(password.to_owned()).await?;
    visit.admin.set_password(id, &hash).await?;
    Ok(visit.go(&format!("users/{id}/change/{}", visit.carried()), Notice::of_row(Done::PasswordSet, model.table, id)))
}

/// Ends all logins and API tokens of an account.
pub(super) async fn end_sessions(visit: Visit, OfRow(model, id): OfRow) -> Result<Response> {
    account(&visit, model, id).await?;
    let count = visit.admin.end_sessions(id).await?;
    Ok(visit.go(
        &format!("users/{id}/change/{}", visit.carried()),
        Notice::of_row(Done::LoginsEnded, model.table, id).times(count),
    ))
}

/// The logins of an account, on its page.
pub(super) async fn sections(visit: &Visit, record: &Record) -> Result<Markup> {
    let sessions = visit.admin.sessions_of(record.id).await?;
    Ok(html! {
        section .related aria-labelledby="related-sessions" {
            h2 #related-sessions { "Logins " span .quiet { (sessions.len()) } }
            @if sessions.is_empty() { p .quiet { "None goes on." } }
            @else {
                div .scroll tabindex="0" role="region" aria-label="Logins" {
                    table {
                        thead { tr { th scope="col" { "Kind" } th scope="col" { "Device" } th scope="col" { "Address" } th scope="col" { "Begun" } th scope="col" { "Last used" } } }
                        tbody {
                            @for session in &sessions {
                                tr {
                                    td { (session.kind) }
                                    td { (session.name) }
                                    td { (session.address) }
                                    td { (value::moment(session.created_at)) }
                                    td { (value::moment(session.last_used_at)) }
                                }
                            }
                        }
                    }
                }
                @if record.may_change || record.id == visit.admin.member().id {
                    form method="post" action=(visit.to(&format!("users/{}/sessions/end/{}", record.id, visit.carried()))) {
                        button { "End all logins" }
                    }
                }
            }
            p { a href=(visit.to(&format!("changes/?actor={}", record.id))) { "What this user did" } }
        }
    })
}
