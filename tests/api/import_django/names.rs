//! Names of tables and columns: found, or given.

use serde_json::json;

use super::{TABLES, complaints, django, import};
use crate::{
    config::url,
    support::{LOGIN, PASSWORD, TestApp},
};

#[tokio::test]
async fn names_are_found_or_given() {
    let other = "
        create table auth_user (id int primary key, password text, last_login timestamptz, email text, username text);
        create table old_patient (id int primary key, name text, years int, sex text, mobile text, notes text, user_id int
            references auth_user, checked_by_id int references auth_user);
        create table old_doctor (id int primary key, full_name text, speciality text, mobile text);
        create table old_link (id int primary key, who int references old_patient, whom int references old_doctor);
        insert into auth_user values (1, '!', null, 'ada@example.com', 'ada');
        insert into old_patient values (1, 'Mary Ann Smith', 34, 'Female', '555', 'x', 1, 1);
        insert into old_doctor values (1, 'Emily Carter', 'Cardiology', '555');
        insert into old_link values (1, 1, 1);";
    let source = django(&format!("{TABLES} {other}")).await;
    let app = TestApp::start().await;
    let from = url(&source);
    let old = ["--from", &from, "--app", "old"];
    for (arguments, said) in [
        (
            &["--from", &from][..],
            "error: more than one table looks like that of the users (accounts_user, auth_user): choose with --app APP or --map users=TABLE",
        ),
        (
            &["--from", &from, "--app", "old", "--map", "users=accounts_user"],
            "error: no table looks like that of the patients: name it with --map patients=TABLE",
        ),
        (
            &[&old[..], &["--map", "patients=old_patient", "--map", "patients.age=year"]].concat(),
            "error: --map patients.age=year: old_patient has no such column",
        ),
        (
            &[&old[..], &["--map", "colour=red"]].concat(),
            "error: --map colour=red: colour is none of the fields and tables that are taken",
        ),
        (&[&old[..], &["--map", "age"]].concat(), "error: --map age: it is written NAME=NAME"),
        (&[&old[..], &["--map", "patients=nothing"]].concat(), "error: --map patients=nothing: there is no such table"),
        (
            &[&old[..], &["--map", "patients=old_doctor"]].concat(),
            "error: old_doctor has no column for created_by: name it with --map patients.created_by=COLUMN",
        ),
        (
            &[&old[..], &["--map", "age=years", "--map", "patients.created_at=sex"]].concat(),
            "error: old_patient.sex is of the type text: only times can be taken for created_at",
        ),
        (
            &["--from", "mysql://root:hunter2@localhost/x"],
            "error: --from is not of the form postgres://USER:PASSWORD@HOST:PORT/NAME",
        ),
    ] {
        let output = import(&app, arguments);
        assert_eq!(complaints(&output, 1), [said]);
    }
    let output = import(&app, &[&old[..], &["--map", "age=years", "--map", "phone_number=mobile"]].concat());
    assert_eq!(complaints(&output, 0), [""; 0]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("stay behind: old_patient.notes, old_patient.checked_by_id\n"), "{printed}");
    let patient = app.value(
        "select jsonb_build_array(first_name, last_name, gender, phone_number, date_of_birth_estimated,
            date_part('year', age(date_of_birth))) from patients",
    );
    assert_eq!(patient.await, json!(["Mary Ann", "Smith", "F", "555", true, 34]));
}

#[tokio::test]
async fn an_age_is_counted_back_from_when_it_was_written() {
    let source = django(
        "create table auth_user (id int primary key, password text, last_login timestamptz, email text, username text);
         create table clinic_patient (id int primary key, name text, age int, gender text, owner_id int references auth_user,
            created_at timestamptz, updated_at timestamptz);
         create table clinic_doctor (id int primary key, name text, specialization text);
         create table clinic_patientdoctormapping (id int primary key, patient_id int references clinic_patient,
            doctor_id int references clinic_doctor);
         insert into auth_user values (1, '!', null, 'ada@example.com', 'ada');
         insert into clinic_patient values (1, 'Mary Ann', 34, 'female', 1, '2019-01-01', '2020-02-29'),
            (2, 'X', 151, 'F', 1, null, null), (3, 'Y', 40, 'F', 1, null, null);
         insert into clinic_doctor values (1, 'Emily', 'Cardiology');",
    )
    .await;
    let app = TestApp::start().await;
    let from = url(&source);
    let output = import(&app, &["--from", &from, "--skip-invalid"]);
    let wrong = "clinic_patient 2: age: Ensure this value is less than or equal to 150.";
    assert_eq!(complaints(&output, 0), [wrong]);
    let born = app.value("select jsonb_agg(jsonb_build_array(first_name, last_name, date_of_birth, date_of_birth = current_date - interval '40 years') order by id) from patients");
    assert_eq!(born.await[0], json!(["Mary", "Ann", "1986-02-28", false]));
    // a day later
    app.sql("update patients set date_of_birth = date_of_birth - 1 where id = 3").await;
    assert_eq!(complaints(&import(&app, &["--from", &from, "--skip-invalid"]), 0), [wrong]);
    let body = json!({"username": "ada", "password": PASSWORD});
    app.anonymous().post(LOGIN, body).await.is(401);
}
