//! What the settings open or close, in the OpenAPI document.

use utoipa::openapi::{OpenApi, path::Operation, security::SecurityRequirement};

use crate::config::Exposure;

/// Says of operations that a token is optional, where a setting makes it so.
pub fn describe(openapi: &mut OpenApi, exposure: &Exposure) {
    let paths = &mut openapi.paths.paths;
    if exposure.public_doctors {
        for path in ["/api/doctors/", "/api/doctors/{id}/"] {
            make_token_optional(paths.get_mut(path).and_then(|item| item.get.as_mut()));
        }
    }
    if exposure.registration_closed {
        make_token_optional(paths.get_mut("/api/auth/register/").and_then(|item| item.post.as_mut()));
    }
}

fn make_token_optional(operation: Option<&mut Operation>) {
    if let Some(operation) = operation {
        let nothing = SecurityRequirement::default();
        let token = SecurityRequirement::new("jwtAuth", Vec::<String>::new());
        operation.security = Some(vec![nothing, token]);
    }
}
