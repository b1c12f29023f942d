//! Who acts at the command line.

use nix::unistd::{Uid, User};

use crate::request::RequestId;

/// The operator of the server, who may change every account. Only the command line makes one; a test holds that.
pub struct Operator {
    name: String,
    request: RequestId,
}

impl Operator {
    /// The user of the operating system who runs this process.
    pub fn of_process() -> Self {
        let uid = Uid::current();
        let user = User::from_uid(uid).ok().flatten();
        let name = user.map_or_else(|| uid.to_string(), |user| user.name);
        Self { name: format!("cli:{name}"), request: RequestId::random() }
    }

    /// What the audit calls the operator: `cli:root`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the audit notes in place of a request's id: all that one command did has the same.
    pub fn request_id(&self) -> &str {
        self.request.as_str()
    }
}
