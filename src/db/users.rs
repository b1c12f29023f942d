//! Accounts.

use sqlx::PgConnection;

use super::{
    Db,
    caller::{Caller, Refusal},
    shared::{Found, Place, SharedRead},
};
use crate::{
    auth::CurrentUser,
    error::{ApiError, FieldErrors, Result, constraint_error},
    request::Origin,
};

/// What a new account is made of.
pub struct NewUser {
    /// As it is shown: the domain in lower case.
    pub email: String,
    /// None: the e-mail is shown in its place.
    pub username: Option<String>,
    /// The full name.
    pub name: String,
    /// What `Passwords::hash` made.
    pub password_hash: String,
    /// What it may do.
    pub rank: Rank,
}

/// What an account may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Keep patients.
    User,
    /// Also what the settings leave to staff.
    Staff,
    /// Everything.
    Superuser,
}

impl Rank {
    pub(super) fn is_staff(self) -> bool {
        self != Self::User
    }

    pub(super) fn is_superuser(self) -> bool {
        self == Self::Superuser
    }
}

/// An account, as its owner sees it.
pub struct User {
    /// Its number.
    pub id: i64,
    pub name: String,
    pub email: String,
    /// None: the e-mail is shown in its place.
    pub username: Option<String>,
}

/// What a login is checked against.
pub struct Credentials {
    /// The user's id.
    pub user_id: i64,
    /// The hash of the password.
    pub password_hash: String,
    /// Whether the account may log in.
    pub is_active: bool,
    pub is_staff: bool,
    pub email: String,
    pub username: Option<String>,
    pub name: String,
}

/// What became of an account that was to be deleted.
pub enum Deletion {
    Done,
    /// It is kept: nobody else could do what it may do.
    LastSuperuser,
    /// It is kept: its password was changed meanwhile.
    OtherPassword,
}

/// The asker's own account.
pub(super) struct Own;

impl SharedRead for Own {
    type Row = User;

    async fn read(connection: &mut PgConnection, callers: &[Caller], keys: &[i64]) -> sqlx::Result<Vec<Found<User>>> {
        let rows = sqlx::query!(
            r#"
            with actor as (select * from actors($1))
            select a.n as "n!", a.user_id as "user_id!", coalesce(a.is_staff, false) as "is_staff!",
                a.refusal as "refusal: Refusal", u.id as "id?", u.name as "name?", u.email as "email?",
                u.username as "username?"
            from actor a
            left join lateral (
                select u.id, u.name, u.email, u.username
                from users u
                where u.id = ($2::bigint[])[a.n] and u.id = a.user_id and a.refusal is null
                offset 0) u on true
            "#,
            callers as _,
            keys
        );
        let rows = rows.fetch_all(connection).await?.into_iter().map(|row| Found {
            place: Place { n: row.n, user_id: row.user_id, is_staff: row.is_staff, refusal: row.refusal },
            key: row.id,
            owner: row.id,
            row: Some(row)
                .and_then(|row| Some(User { id: row.id?, name: row.name?, email: row.email?, username: row.username })),
        });
        Ok(rows.collect())
    }
}

impl Db {
    /// Makes an account of one's own: in the audit, the new user is the actor.
    pub async fn register(&self, new: NewUser, origin: &Origin) -> Result<User> {
        let created = sqlx::query_scalar!(
            r#"
            with actor as materialized (
                select id, act_as(id, $1, 'api', $5, $6) as acts
                from nextval(pg_get_serial_sequence('users', 'id')) as id)
            insert into users (id, email, username, name, password_hash)
            overriding system value
            select actor.id, $1, $2, $3, $4
            from actor
            returning id
            "#,
            new.email,
            new.username,
            new.name,
            new.password_hash,
            origin.id.as_str(),
            origin.address.to_string()
        );
        let created = created.fetch_one(self.connection()).await;
        self.created(new, created).await
    }

    /// Makes an account for somebody else. The caller must be staff: 403 otherwise.
    pub async fn register_other(&self, user: &CurrentUser, new: NewUser) -> Result<User> {
        let created = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            insert into users (email, username, name, password_hash)
            select $2, $3, $4, $5
            from actor
            where actor.is_staff
            returning id
            "#,
            Caller::of(user) as _,
            new.email,
            new.username,
            new.name,
            new.password_hash
        );
        match created.fetch_optional(self.connection()).await.transpose() {
            Some(created) => self.created(new, created).await,
            None => self.check_staff(user).await.and(Err(ApiError::Forbidden)),
        }
    }

    /// The account that was made, or why it was not: if both its e-mail and its username are taken, both are named.
    pub(super) async fn created(&self, new: NewUser, id: sqlx::Result<i64>) -> Result<User> {
        match id.map_err(ApiError::from) {
            Ok(id) => Ok(User { id, name: new.name, email: new.email, username: new.username }),
            Err(ApiError::Invalid(error)) => {
                // PostgreSQL names only one
                let taken = self.taken(Some(&new.email), new.username.as_deref()).await?;
                Err(ApiError::Invalid(if taken.is_empty() { error } else { taken }))
            }
            Err(error) => Err(error),
        }
    }

    /// Which of the two belong to another account.
    pub async fn taken(&self, email: Option<&str>, username: Option<&str>) -> Result<FieldErrors> {
        let taken = sqlx::query!(
            r#"
            select
                exists (select from users where lower(email) = lower($1)) as "email!",
                exists (select from users where lower(username) = lower($2)) as "username!"
            "#,
            email,
            username
        )
        .fetch_one(self.reading_connection())
        .await?;
        let taken = [(taken.email, "users_email_key"), (taken.username, "users_username_key")];
        let constraints = taken.into_iter().filter_map(|(taken, constraint)| taken.then_some(constraint));
        Ok(constraints.filter_map(|constraint| constraint_error("users", constraint)).collect())
    }

    /// The caller's own account.
    pub async fn account(&self, user: &CurrentUser) -> Result<User> {
        let answer = self.shared.accounts.ask(user, user.id(), self.limit).await?;
        self.only(user, "User", answer)
    }

    /// Changes the caller's name. None: leaves it.
    pub async fn rename(&self, user: &CurrentUser, name: Option<&str>) -> Result<User> {
        let account = sqlx::query_as!(
            User,
            r#"
            with actor as materialized (select * from actor($1))
            update users u
            set name = coalesce($2, u.name)
            where u.id = (select id from actor)
            returning u.id, u.name, u.email, u.username
            "#,
            Caller::of(user) as _,
            name
        );
        let account = account.fetch_optional(self.connection()).await?;
        self.found(user, "User", account).await
    }

    /// What the caller's own password is checked against.
    pub async fn own_credentials(&self, user: &CurrentUser) -> Result<Credentials> {
        let credentials = sqlx::query_as!(
            Credentials,
            r#"
            with actor as materialized (select * from actor($1))
            select u.id as user_id, u.password_hash, u.is_active, u.is_staff, u.email, u.username, u.name
            from users u
            where u.id = (select id from actor)
            "#,
            Caller::of(user) as _
        );
        let credentials = credentials.fetch_optional(self.reading_connection()).await?;
        self.found(user, "User", credentials).await
    }

    /// Changes the caller's own password, and a trigger ends the other sessions. False: the password is no longer `old_hash`.
    pub async fn change_own_password(&self, user: &CurrentUser, old_hash: &str, new_hash: &str) -> Result<bool> {
        let changed = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            update users u
            set password_hash = $3
            where u.id = (select id from actor) and u.password_hash = $2
            returning u.id
            "#,
            Caller::of(user) as _,
            old_hash,
            new_hash
        );
        let changed = changed.fetch_optional(self.connection()).await?;
        if changed.is_none() {
            self.check(user).await?;
        }
        Ok(changed.is_some())
    }

    /// Deletes the caller's own account with its patients, if its password is still the one with this hash. Superusers
    /// wait for each other, so that of the last two one stays.
    pub async fn delete_own_account(&self, user: &CurrentUser, hash: &str) -> Result<Deletion> {
        let is_deleted = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1)),
            account as materialized (
                select u.id, does_all(u) as does_all
                from users u
                where u.id = (select id from actor) and u.password_hash = $2),
            superusers as materialized (
                select u.id
                from users u
                where does_all(u) and (select does_all from account)
                order by u.id
                for update),
            deleted as (
                delete from users u
                using account
                where u.id = account.id
                    and (not account.does_all or exists (select from superusers s where s.id <> account.id))
                returning u.id)
            select exists (select from deleted) as "is_deleted!"
            from account
            "#,
            Caller::of(user) as _,
            hash
        );
        match is_deleted.fetch_optional(self.connection()).await? {
            Some(true) => Ok(Deletion::Done),
            Some(false) => Ok(Deletion::LastSuperuser),
            None => self.check(user).await.map(|()| Deletion::OtherPassword),
        }
    }
}
