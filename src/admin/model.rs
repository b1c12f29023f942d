//! A model: what its pages show and ask for. The rules of its forms are those of the API's bodies.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{doctors::DOCTORS, mappings::MAPPINGS, patients::PATIENTS, users::USERS};
use crate::{
    api::path::number,
    db::admin::{Table, write::Values},
    error::{ApiError, Result},
    input::{Form, Input, Record},
};

/// Every model, in the order of the pages.
pub(super) const MODELS: [&Model; 4] = [&PATIENTS, &DOCTORS, &MAPPINGS, &USERS];

/// A model.
pub(super) struct Model {
    pub(super) table: &'static Table,
    /// What its form asks for.
    pub(super) fields: &'static [Field],
    pub(super) rules: Rules,
    /// Whether its rows log in: they have a password, and logins.
    pub(super) is_account: bool,
}

/// A field of a form.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) ask: Ask,
    pub(super) help: &'static str,
    pub(super) is_required: bool,
    /// Why a row keeps the one that was picked first; empty if it need not.
    pub(super) kept: &'static str,
}

/// How a field is asked for.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    /// A line of this type of HTML's: text, email, tel, date, password.
    Line(&'static str),
    Number,
    /// A text of so many lines.
    Area(u8),
    Flag,
    /// One of these values, each with its words.
    Choice(&'static [(&'static str, &'static str)]),
    /// A row of the table of this name, whose number goes into this column.
    Pick(&'static str, &'static str),
}

/// From what was typed to what is written, by the rules of a body of the API.
pub(super) struct Rules {
    pub(super) new: fn(&Form) -> Result<Values>,
    /// Also takes the row as it is.
    pub(super) change: fn(&Form, &Value) -> Result<Values>,
}

impl Field {
    /// A line of text.
    pub(super) const fn text(name: &'static str, label: &'static str) -> Self {
        Self::new(name, label, Ask::Line("text"))
    }

    pub(super) const fn new(name: &'static str, label: &'static str, ask: Ask) -> Self {
        Self { name, label, ask, help: "", is_required: false, kept: "" }
    }

    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) const fn kept(self, why: &'static str) -> Self {
        Self { kept: why, ..self }
    }

    pub(super) const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }
}

impl Rules {
    /// The form has nothing but rows to pick.
    pub(super) const PICKS: Self = Self { new: |_| Ok(Values::new()), change: |_, _| Ok(Values::new()) };

    /// Those of this body.
    pub(super) const fn of<T>() -> Self
    where
        T: Record,
        T::New: Serialize,
        T::Row: DeserializeOwned,
        T::Change: Serialize,
    {
        Self { new: new::<T>, change: change::<T> }
    }
}

fn new<T: Input>(form: &Form) -> Result<Values>
where
    T::New: Serialize,
{
    values(&form.body::<T>().new_value()?)
}

fn change<T: Record>(form: &Form, row: &Value) -> Result<Values>
where
    T::Row: DeserializeOwned,
    T::Change: Serialize,
{
    let form = form.with_ends_of_lines_of(row);
    let row = serde_json::from_value(row.clone()).map_err(|error| unreadable(&error))?;
    values(&form.body::<T>().update(&row)?)
}

fn values(written: &impl Serialize) -> Result<Values> {
    match serde_json::to_value(written).map_err(|error| unreadable(&error))? {
        Value::Object(values) => Ok(values),
        _ => Err(ApiError::Internal("a body that is no object".into())),
    }
}

/// Never the error itself, which may quote a patient's data.
fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::Internal(format!("a row can't be read: {:?}", error.classify()))
}

/// The model that is named in a path.
pub(super) fn model(name: &str) -> Option<&'static Model> {
    MODELS.into_iter().find(|model| model.table.name == name)
}

/// The `{model}` of a path. In a handler it stands after `Visit`.
pub(super) struct Of(pub(super) &'static Model);

/// The `{model}` and the `{id}` of a path.
pub(super) struct OfRow(pub(super) &'static Model, pub(super) i64);

impl<S: Send + Sync> FromRequestParts<S> for Of {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::NotFound)?;
        let name = params.iter().find(|(name, _)| *name == "model").map(|(_, value)| value);
        name.and_then(model).map(Self).ok_or(ApiError::NotFound)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OfRow {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Of(model) = Of::from_request_parts(parts, state).await?;
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::NotFound)?;
        let id = params.iter().find(|(name, _)| *name == "id").and_then(|(_, value)| number(value));
        id.map(|id| Self(model, id)).ok_or(ApiError::NotFound)
    }
}
