//! The number of a row in a path.

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams},
    http::request::Parts,
};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

use super::caller::caller_first;
use crate::{
    auth::{CurrentUser, Tokens},
    db::{Db, Id, Model},
    error::{ApiError, Result},
};

/// The `{id}` of a path. In a handler it stands after `CurrentUser` or `DirectoryReader`. Text that is not a number gets
/// Django REST framework's 404; a number that is too large for PostgreSQL is an id that no row has.
impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    Db: FromRef<S>,
    Tokens: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let id = params.ok().and_then(|params| number(params.iter().next()?.1));
        if let Some(id) = id {
            return Ok(Id::from(id));
        }
        match CurrentUser::from_request_parts(parts, state).await {
            Ok(user) => caller_first(&Db::from_ref(state), &user, Err(ApiError::NotFound)).await,
            // `DirectoryReader` let them in, so this path is public
            Err(_) => Err(ApiError::NotFound),
        }
    }
}

/// An integer as Python's `int` reads it, in ASCII digits.
pub fn number(text: &str) -> Option<i64> {
    let digits = text.trim();
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let is_number = !unsigned.is_empty() && unsigned.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(0))
}

impl<T: Model> IntoParams for Id<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        let parameter = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(row_number::<T>()))
            .schema(Some(id))
            .example(Some(1.into()));
        vec![parameter.build()]
    }
}

/// The description of an id in a path.
fn row_number<T: Model>() -> String {
    format!("The {}'s number.", T::NOUN)
}
