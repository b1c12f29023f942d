//! One's own password.

use axum::{extract::State, http::StatusCode, response::Response};
use maud::html;

use super::{
    AdminState,
    notice::{Done, Notice},
    page::Page,
    visit::Visit,
};
use crate::{
    auth::{Attempt, Via},
    error::{FieldErrors, Result},
    input::Form,
};

const FIELDS: [(&str, &str, &str); 3] = [
    ("old_password", "Old password", "current-password"),
    ("new_password", "New password", "new-password"),
    ("repeated", "New password again", "new-password"),
];

/// The form.
pub(super) async fn page(visit: Visit) -> Response {
    form(&visit, &FieldErrors::default())
}

fn form(visit: &Visit, errors: &FieldErrors) -> Response {
    let content = html! {
        form .card method="post" {
            p { "Your other logins and your API tokens end with the old password." }
            @for (name, label, autocomplete) in FIELDS {
                @let error = errors.of(name);
                div .field .wrong[error.is_some()] {
                    label for=(name) { (label) }
                    input id=(name) name=(name) type="password" autocomplete=(autocomplete) required
                        aria-describedby=[error.as_ref().map(|_| format!("{name}-error"))];
                    @if let Some(error) = error { p .error id={ (name) "-error" } { (error) } }
                }
            }
            div .buttons { button .primary { "Change password" } }
        }
    };
    let mut response = visit.page(Page { title: "Change password", ..Page::default() }, content);
    if !errors.is_empty() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

/// Changes it.
pub(super) async fn change(visit: Visit, State(state): State<AdminState>, sent: Form) -> Result<Response> {
    let account = visit.admin.own_credentials().await?;
    let staff = visit.admin.staff();
    let attempt = state.login_throttle.attempt(staff.address(), &account.email);
    let attempt = Attempt { via: Via::Admin, ..attempt };
    state.db.check_attempt(account.user_id, &attempt, staff.origin()).await?;
    let (old, new) = (sent.text("old_password").to_owned(), sent.text("new_password").to_owned());
    let wrong = "Your old password was entered incorrectly. Please enter it again.";
    if !state.passwords.verify(old, Some(account.password_hash.clone())).await? {
        state.db.record_failed_login(Some(account.user_id), &attempt, staff.origin()).await?;
        return Ok(form(&visit, &FieldErrors::one("old_password", wrong)));
    }
    let username = account.username.as_deref().unwrap_or_default();
    let attributes = [("username", username), ("name", &account.name), ("email", &account.email)];
    let mut errors = FieldErrors::default();
    for message in state.passwords.validate(&new, &attributes) {
        errors.add("new_password", message);
    }
    if new != sent.text("repeated") {
        errors.add("repeated", "The two passwords are different.");
    }
    if !errors.is_empty() {
        return Ok(form(&visit, &errors));
    }
    let hash = state.passwords.hash(new).await?;
    if visit.admin.change_own_password(&account.password_hash, &hash).await? {
        return Ok(visit.go("", Notice::of(Done::OwnPassword)));
    }
    visit.admin.check().await?;
    Ok(form(&visit, &FieldErrors::one("old_password", wrong)))
}
