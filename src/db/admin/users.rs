//! Accounts.

use super::table::{By, Column, Filter, Guards, Kind, Related, Search, Table};

/// Accounts. Staff who are no superusers change neither accounts of staff nor anybody's rights, and one active superuser
/// who can enter stays.
pub static USERS: Table = Table {
    name: "users",
    sql: "users",
    noun: "user",
    title: "Users",
    from: "users t",
    label: "t.email",
    record: "to_jsonb(t) - 'password_hash'",
    search: Search::Text("fold(t.name || ' ' || t.email || ' ' || coalesce(t.username, ''))"),
    columns: &[
        Column::new("email", "E-mail", "t.email", Kind::Text).ordered("lower(t.email)"),
        Column::new("name", "Name", "t.name", Kind::Text).ordered("fold(t.name)"),
        Column::new("username", "Username", "t.username", Kind::Text).ordered("coalesce(lower(t.username), '')"),
        Column::new("is_active", "Active", "t.is_active", Kind::Flag),
        Column::new("is_staff", "Staff", "t.is_staff", Kind::Flag),
        Column::new("is_superuser", "Superuser", "t.is_superuser", Kind::Flag),
        Column::new("date_joined", "Joined", "t.date_joined", Kind::Time),
        Column::new("updated_at", "Updated", "t.updated_at", Kind::Time),
        Column::new("last_login", "Last login", "t.last_login", Kind::Time)
            .ordered("coalesce(t.last_login, '-infinity')"),
    ],
    filters: &[
        Filter::new("is_active", "Active", "t.is_active", By::Flag),
        Filter::new("is_staff", "Staff", "t.is_staff", By::Flag),
        Filter::new("is_superuser", "Superuser", "t.is_superuser", By::Flag),
        Filter::new("date_joined", "Joined", "t.date_joined", By::Age),
    ],
    related: &[Related { title: "Patients", table: "patients", filter: "owner" }],
    written: &["email", "username", "name", "password_hash", "is_active", "is_staff", "is_superuser"],
    guards: Guards {
        may: "(actor.is_superuser or not (t.is_staff or t.is_superuser))",
        insert: "(actor.is_superuser or not (r.is_staff or r.is_superuser))",
        update: "(actor.is_superuser or not (coalesce(r.is_staff, false) or coalesce(r.is_superuser, false))) \
            and (not does_all(t) \
                or coalesce(r.is_superuser, t.is_superuser) and coalesce(r.is_active, t.is_active) \
                    and coalesce(r.is_staff, t.is_staff) \
                or exists (select from superusers s where s.id <> t.id))",
        delete: "(not does_all(t) \
            or exists (select from superusers s where s.id <> all(wanted.ids)))",
        // those that change at the same time wait for each other at the first superuser, and see who is left
        lock: ", superusers as materialized ( \
            select s.id from users s where does_all(s) order by s.id for update)",
    },
    ..Table::PLAIN
};
