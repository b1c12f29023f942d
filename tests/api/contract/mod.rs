//! The measured matrix: what the two Django services answer, row by row, beside what this server answers. A row without
//! `unlike` is answered as they answer it. A row with it is answered otherwise on purpose.

use serde_json::Value;

use crate::support::{
    TestApp,
    cases::{Answer, Case, all_hold, case},
    detail, endpoints,
    messages::{NO_TOKEN, NOT_FOUND},
};

mod accounts;
mod doctors;
mod mappings;
mod patients;

/// Why an answer is another than Django's. The compiler reports a reason that no row has.
#[derive(Debug)]
enum Why {
    /// README B has a username, README A has none: the answer shows it.
    Username,
    /// One server takes both READMEs' fields, so either spelling will do, and an answer shows both.
    BothDialects,
    /// Only names, birth and gender (or specialty) are required; the rest may be left out, or empty.
    OptionalFields,
    /// Longer values are taken: names of 150 characters, phone numbers of 20.
    Limits,
    /// E-mails, usernames and the scheme Bearer match in any case of letters.
    AnyCase,
    /// male, female and other are taken for M, F and O.
    Words,
    /// Year-month-day with dashes only, and nobody is born in the future.
    Dates,
    /// Nobody is older than 150 years.
    Ages,
    /// Passwords follow Django's four rules, in A's words, for both.
    PasswordRules,
    /// A path without its slash is served, not redirected: a redirected POST loses its body.
    NoRedirect,
    /// The words behind "JSON parse error - " are our own.
    JsonSyntax,
    /// A refused request is no fault of the server's.
    NoServerError,
    /// There is no HTML below /api/, and no suffix names a format.
    JsonAlways,
    /// The metadata has no actions, and renders JSON alone.
    Metadata,
    /// Whose patient it is comes before everything, and a missing one is as a foreign one.
    OwnershipFirst,
    /// A number with a fraction is no row's.
    Floats,
    /// The path of a mapping answers the doctors of the patient of that number, as B's does.
    BothLists,
    /// A doctor whom other users' patients have is kept.
    OtherUsersDoctors,
    /// The list of endpoints is at / and /api/, for anybody.
    EntryPoints,
    /// `patient_id`, `doctorId` and their like are taken.
    Aliases,
    /// Register, login and refresh do not look at the Authorization header.
    NoBadToken,
}

impl Case {
    /// What Django answers, which is another answer.
    fn unlike(mut self, why: Why, status: u16, body: Value) -> Self {
        let is_same = self.status == status && matches!(&self.answer, Answer::Whole(ours) if *ours == body);
        assert!(!is_same, "{}: no difference", self.name);
        self.name += &format!(" (not as Django: {why:?})");
        self
    }
}

/// An HTML page, or no body at all.
const PAGE: Value = Value::Null;

#[tokio::test]
async fn entry_points_are_for_anybody() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let endpoints = endpoints(&app);
    all_hold([
        case("the root", &nobody, "GET", "/").says(200, endpoints.clone()),
        case("no token", &nobody, "GET", "/api/").says(200, endpoints).unlike(Why::EntryPoints, 401, detail(NO_TOKEN)),
        case("nonsense", &nobody, "GET", "/api/nonsense/").says(404, detail(NOT_FOUND)).unlike(
            Why::JsonAlways,
            404,
            PAGE,
        ),
    ])
    .await;
}
