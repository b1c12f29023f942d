//! All JSON over HTTP: one file a resource, and the whole API on this screen.

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams},
    http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::{
    IntoParams, Modify, OpenApi,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::{CurrentUser, Tokens},
    db::{Db, Id, Model},
    error::{ApiError, Result},
    input::Accepted,
};

pub mod auth;
pub mod conditional;
pub mod docs;
pub mod doctors;
pub mod document;
pub mod endpoints;
pub mod file;
pub mod idempotency;
pub mod index;
pub mod list;
pub mod mappings;
pub mod patients;
pub mod query;

mod ages;
mod components;
mod genders;
mod names;
mod parameters;
mod refusals;

/// Every route there is. The document that describes them is made from the same list.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(index::root))
        .routes(routes!(index::api))
        .routes(routes!(index::openapi))
        .routes(routes!(docs::page))
        .routes(routes!(docs::file))
        .routes(routes!(auth::register::register))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::login::refresh))
        .routes(routes!(auth::me::retrieve, auth::me::partial_update))
        .routes(routes!(patients::list, patients::create))
        .routes(routes!(patients::retrieve, patients::update, patients::partial_update, patients::destroy))
        .routes(routes!(doctors::list, doctors::create))
        .routes(routes!(doctors::retrieve, doctors::update, doctors::partial_update, doctors::destroy))
        .routes(routes!(mappings::list, mappings::create))
        .routes(routes!(mappings::by_patient))
        .routes(routes!(mappings::doctors, mappings::destroy))
}

/// What is taken for every body there is.
pub fn bodies() -> [Accepted; 7] {
    [
        Accepted::of::<auth::register::Registration>(),
        Accepted::of::<auth::login::Login>(),
        Accepted::of::<auth::login::Refresh>(),
        Accepted::of::<auth::me::ProfileInput>(),
        Accepted::of::<patients::PatientInput>(),
        Accepted::of::<doctors::DoctorInput>(),
        Accepted::of::<mappings::MappingInput>(),
    ]
}

/// Says in the document that anybody may read the directory of doctors.
pub fn open_directory(openapi: &mut utoipa::openapi::OpenApi) {
    for path in ["/api/doctors/", "/api/doctors/{id}/"] {
        let item = openapi.paths.paths.get_mut(path);
        if let Some(read) = item.and_then(|item| item.get.as_mut()) {
            let nothing = SecurityRequirement::default();
            let token = SecurityRequirement::new("jwtAuth", Vec::<String>::new());
            read.security = Some(vec![nothing, token]);
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Healthcare Backend", description = include_str!("docs/introduction.md")),
    security(("jwtAuth" = [])),
    modifiers(&JwtAuth),
    tags(
        (name = "auth", description = "Accounts and tokens"),
        (name = "patients", description = "Your own patients"),
        (name = "doctors", description = "The directory that all users share"),
        (name = "mappings", description = "Which doctors look after your patients"),
        (name = "index", description = "What is served"),
    ),
)]
struct Document;

/// The access token that login answers.
struct JwtAuth;

impl Modify for JwtAuth {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("jwtAuth", SecurityScheme::Http(scheme));
    }
}

/// 200, and the value as JSON.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(&self.0).map(|json| ([JSON], json)).into_response()
    }
}

/// What every answer is.
const JSON: (HeaderName, HeaderValue) = (CONTENT_TYPE, HeaderValue::from_static("application/json"));

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| ApiError::Internal(format!("an answer: {error}")))
}

/// 201, and the value as JSON.
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// 204. README A prints a message here, which HTTP forbids (RFC 9110 15.3.5).
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// Marks a request for a representation that there is not (406, or 404 for `?format=`): a fault that is handed over.
#[derive(Clone)]
pub struct Unserved(pub ApiError);

/// The `{id}` of a path, always behind `CurrentUser` or `DirectoryReader`. What is no number is refused in Django REST
/// framework's words; a number beyond PostgreSQL's is just nobody's id.
impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    Db: FromRef<S>,
    Tokens: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let id = params.ok().and_then(|params| number(params.iter().next()?.1));
        if let Some(id) = id {
            return Ok(Id::from(id));
        }
        match CurrentUser::from_request_parts(parts, state).await {
            Ok(user) => Err(Db::from_ref(state).refuse(&user, ApiError::NotFound).await),
            // let in before, so this path is for anybody
            Err(_) => Err(ApiError::NotFound),
        }
    }
}

/// An integer as Python's `int` reads it, in ASCII digits.
fn number(text: &str) -> Option<i64> {
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

/// What is said of the number of a row in a path.
fn row_number<T: Model>() -> String {
    format!("The {}'s number.", T::NOUN)
}

/// A time as Django REST framework writes it: six digits of a second, or none.
fn timestamp<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    let digits = if time.timestamp_subsec_micros() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    serializer.serialize_str(&time.to_rfc3339_opts(digits, true))
}
