//! What belongs to a row: shown, added and removed on its page, and shown again before it goes with it.

use serde_json::json;

use super::{app, forms::error, hides, lists::clinic, root, shows, staff};

#[tokio::test]
async fn doctors_are_assigned_and_removed_on_the_patient_s_page_and_patients_on_the_doctor_s() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let page = sam.get("/admin/patients/2/change/").await.is(200);
    shows(&page, "None yet.");
    let page =
        sam.submit("/admin/mappings/add/", &[("patient", "2"), ("doctor", "emily"), ("back", "patients/2")]).await;
    shows(&page, "The mapping “Jane Álvarez · Emily Carter” was added.");
    shows(&page, r#"<a href="/admin/doctors/1/change/">Emily Carter</a>"#);
    let owner = app.value("select created_by from patient_doctor_mappings where patient_id = 2").await;
    assert_eq!(owner, json!(2));
    let page = sam.get("/admin/doctors/1/change/").await.is(200);
    shows(&page, r#"<a href="/admin/patients/1/change/">John Doe</a>"#);
    shows(&page, r#"<a href="/admin/patients/2/change/">Jane Álvarez</a>"#);
    let page = sam.submit("/admin/mappings/2/remove/", &[("back", "doctors/1")]).await;
    shows(&page, "was deleted.");
    hides(&page, r#"<a href="/admin/patients/2/change/">"#);
    // back leads to no place but a row's page
    let reply = sam.post("/admin/mappings/1/remove/", &[("back", "/evil.example/1")]).await.is(303);
    assert_eq!(reply.header("location"), "/admin/mappings/");
    sam.post("/admin/patients/1/remove/", &[]).await.is(404);
}

#[tokio::test]
async fn a_deletion_shows_all_that_goes_first_also_what_is_of_others() {
    let app = app().await;
    clinic(&app).await;
    let mut root = root(&app).await;
    let page = root.get("/admin/doctors/1/delete/").await.is(200);
    shows(&page, "Delete this doctor?");
    shows(&page, "1 mapping");
    shows(&page, "John Doe · Emily Carter");
    shows(&root.submit("/admin/doctors/1/delete/", &[]).await, "The doctor No. 1 was deleted.");
    assert_eq!(app.value("select count(*) from patient_doctor_mappings").await, json!(0));
    let page = root.get("/admin/users/1/delete/").await.is(200);
    shows(&page, "1 patient, with their mappings");
    shows(&page, "John Doe");
    shows(&page, "All its logins and API tokens.");
    assert_eq!(app.value("select count(*) from patients").await, json!(2));
    shows(&root.submit("/admin/users/1/delete/", &[]).await, "The user No. 1 was deleted.");
    assert_eq!(app.value("select jsonb_agg(id) from patients").await, json!([2]));
    let via = app.value("select jsonb_agg(distinct via) from audit_log where action = 'DELETE'");
    assert_eq!(via.await, json!(["admin"]));
    for path in ["/admin/users/1/delete/", "/admin/users/1/change/", "/admin/users/99/history/"] {
        root.get(path).await.is(404);
    }
    root.post("/admin/users/1/delete/", &[]).await.is(404);
}

#[tokio::test]
async fn an_owner_or_a_doctor_that_goes_meanwhile_is_a_fault_of_its_field() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    // between the look at the row and the write
    app.sql(
        "create function vanish() returns trigger language plpgsql as $$ begin new.doctor_id := 99; return new; end $$; \
         create trigger vanish before insert on patient_doctor_mappings for each row execute function vanish()",
    )
    .await;
    let page = sam.post("/admin/mappings/add/", &[("patient", "2"), ("doctor", "1")]).await.is(400);
    assert_eq!(error(&page, "doctor"), "It was deleted meanwhile.");
}

#[tokio::test]
async fn a_mapping_keeps_its_patient_and_a_number_is_not_taken_with_another_s_name() {
    let app = app().await;
    clinic(&app).await;
    let mut sam = staff(&app).await;
    let form = [("version", "1/1"), ("patient", "2"), ("doctor", "1")];
    let page = sam.post("/admin/mappings/1/change/", &form).await.is(400);
    assert_eq!(error(&page, "patient"), "A mapping keeps its patient: delete it, and add another.");
    let form = [("version", "1/1"), ("patient", "John Doe #1"), ("doctor", "Emily Carter #1"), ("_save", "1")];
    sam.submit("/admin/mappings/1/change/", &form).await;
    for (typed, said) in [("John Doe #2", "No. 2 is “Jane Álvarez”."), ("#9", "No patient matches “#9”.")] {
        let page = sam.post("/admin/mappings/add/", &[("patient", typed), ("doctor", "1")]).await.is(400);
        assert_eq!(error(&page, "patient"), said);
    }
}
