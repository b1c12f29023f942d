//! The list that somebody came from is the list that they come back to: filtered, searched, ordered, on the same page.

use super::{Browser, app, lists::clinic, shows, staff};
use crate::support::{Reply, TestApp};

const LIST: &str = "/admin/doctors/?q=e&o=-name&specialty=Cardiology";
const CARRIED: &str = "?list=doctors%3Fq%3De%26o%3D-name%26specialty%3DCardiology";

/// A link's address on a page.
fn link(page: &Reply, start: &str) -> String {
    let rest =
        page.text.split(&format!("href=\"{start}")).nth(1).unwrap_or_else(|| panic!("no {start} in {}", page.text));
    format!("{start}{}", rest.split('"').next().unwrap()).replace("&amp;", "&")
}

async fn opened() -> (TestApp, Browser) {
    let app = app().await;
    clinic(&app).await;
    let sam = staff(&app).await;
    (app, sam)
}

#[tokio::test]
async fn a_row_that_is_saved_or_deleted_leads_back_to_the_list_as_it_was() {
    let (_app, mut sam) = opened().await;
    let list = sam.get(LIST).await.is(200);
    let row = link(&list, "/admin/doctors/1/change/");
    assert_eq!(row, format!("/admin/doctors/1/change/{CARRIED}"));
    let page = sam.get(&row).await.is(200);
    shows(&page, "<a href=\"/admin/doctors/?q=e&amp;o=-name&amp;specialty=Cardiology\">Doctors</a>");
    let form = [("version", "1"), ("first_name", "Emily"), ("last_name", "House"), ("specialty", "Cardiology")];
    let reply = sam.post(&row, &[form.as_slice(), &[("_continue", "1")]].concat()).await.is(303);
    assert_eq!(reply.header("location"), row);
    let form = [("version", "2"), ("first_name", "Emily"), ("last_name", "Hus"), ("specialty", "Cardiology")];
    let reply = sam.post(&row, &[form.as_slice(), &[("_addanother", "1")]].concat()).await.is(303);
    assert_eq!(reply.header("location"), link(&list, "/admin/doctors/add/"));
    let form = [("version", "3"), ("first_name", "Emily"), ("last_name", "House"), ("specialty", "Cardiology")];
    assert_eq!(sam.post(&row, &form).await.is(303).header("location"), LIST);
    let page = sam.get(&row).await.is(200);
    let history = sam.get(&link(&page, "/admin/doctors/1/history/")).await.is(200);
    assert_eq!(link(&history, "/admin/doctors/1/change/"), row);
    let delete = link(&page, "/admin/doctors/1/delete/");
    let page = sam.get(&delete).await.is(200);
    shows(
        &page,
        "<a class=\"button\" href=\"/admin/doctors/?q=e&amp;o=-name&amp;specialty=Cardiology\">No, go back</a>",
    );
    shows(&page, &format!("method=\"post\" action=\"{delete}\""));
    assert_eq!(sam.post(&delete, &[]).await.is(303).header("location"), LIST);
}

#[tokio::test]
async fn what_is_done_with_chosen_rows_leads_back_to_the_list_as_it_was() {
    let (_app, mut sam) = opened().await;
    let reply = sam.post(LIST, &[("action", "delete")]).await.is(303);
    assert_eq!(reply.header("location"), LIST);
    let page = sam.post(LIST, &[("action", "delete"), ("id", "1"), ("id", "2")]).await.is(200);
    shows(&page, &format!("method=\"post\" action=\"{}\"", LIST.replace('&', "&amp;")));
    let reply = sam.post(LIST, &[("action", "delete"), ("sure", "1"), ("id", "1")]).await.is(303);
    assert_eq!(reply.header("location"), LIST);
}

#[tokio::test]
async fn a_link_that_names_another_place_leads_to_the_whole_list() {
    let (_app, mut sam) = opened().await;
    for (number, list) in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "patients%3Fq%3Dx",
        "..%2Fpatients",
        "doctors%2F%2Fevil",
        "x",
    ]
    .iter()
    .enumerate()
    {
        let (version, name) = ((number + 1).to_string(), number.to_string());
        let form = [("version", &*version), ("first_name", &name), ("last_name", "C"), ("specialty", "S")];
        let reply = sam.post(&format!("/admin/doctors/1/change/?list={list}"), &form).await.is(303);
        assert_eq!(reply.header("location"), "/admin/doctors/", "{list}");
    }
    let form = [("version", "7"), ("first_name", "B"), ("last_name", "C"), ("specialty", "S")];
    let reply =
        sam.post("/admin/doctors/1/change/?list=doctors%3Fq%3D%2F%2Fevil%0D%0Ax%26o%3D%22", &form).await.is(303);
    assert_eq!(reply.header("location"), "/admin/doctors/?q=%2F%2Fevil%0D%0Ax&o=%22");
}
