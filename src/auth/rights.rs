//! Who may do what the settings open, or leave to staff.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::{CurrentUser, Tokens};
use crate::{
    config::{PublicDoctors, RegistrationClosed, StaffEditDoctors},
    error::{ApiError, Result, Unauthenticated},
};

/// Who may read the directory of doctors: a caller, or anybody if the setting PUBLIC_DOCTORS is true. A token that is sent
/// must be valid in both cases.
pub struct DirectoryReader(Option<CurrentUser>);

impl DirectoryReader {
    /// The caller, if there is one.
    pub fn user(&self) -> Option<&CurrentUser> {
        self.0.as_ref()
    }

    /// The caller, taken out.
    pub fn into_user(self) -> Option<CurrentUser> {
        self.0
    }
}

impl<S> FromRequestParts<S> for DirectoryReader
where
    S: Send + Sync,
    Tokens: FromRef<S>,
    PublicDoctors: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match CurrentUser::from_request_parts(parts, state).await {
            Ok(user) => Ok(Self(Some(user))),
            Err(ApiError::Unauthenticated(Unauthenticated::NoCredentials(_))) if PublicDoctors::from_ref(state).0 => {
                Ok(Self(None))
            }
            Err(error) => Err(error),
        }
    }
}

/// Who asks to change the directory of doctors: a caller, who must be staff if the setting DOCTORS_EDITED_BY says so. The
/// statements check that.
pub struct DirectoryEditor {
    user: CurrentUser,
    must_be_staff: bool,
}

impl DirectoryEditor {
    /// The caller.
    pub fn user(&self) -> &CurrentUser {
        &self.user
    }

    /// Whether only staff may.
    pub fn must_be_staff(&self) -> bool {
        self.must_be_staff
    }
}

impl<S> FromRequestParts<S> for DirectoryEditor
where
    S: Send + Sync,
    Tokens: FromRef<S>,
    StaffEditDoctors: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        Ok(Self { user, must_be_staff: StaffEditDoctors::from_ref(state).0 })
    }
}

/// Who asks to make an account: anybody, whatever token they send; or, if the setting REGISTRATION is closed, a caller, who
/// must be staff. The statement checks that.
pub struct Registrar(Option<CurrentUser>);

impl Registrar {
    /// The caller. None: it may be anybody.
    pub fn user(&self) -> Option<&CurrentUser> {
        self.0.as_ref()
    }
}

impl<S> FromRequestParts<S> for Registrar
where
    S: Send + Sync,
    Tokens: FromRef<S>,
    RegistrationClosed: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if !RegistrationClosed::from_ref(state).0 {
            return Ok(Self(None));
        }
        match CurrentUser::from_request_parts(parts, state).await {
            Ok(user) => Ok(Self(Some(user))),
            Err(ApiError::Unauthenticated(Unauthenticated::NoCredentials(_))) => Err(ApiError::Forbidden),
            Err(error) => Err(error),
        }
    }
}
