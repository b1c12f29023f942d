//! Accounts.

use super::{Db, caller::Caller};
use crate::{
    auth::CurrentUser,
    error::{ApiError, FieldErrors, Result, constraint_error},
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
    /// May do everything in the admin panel; made on the command line.
    pub is_superuser: bool,
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
    pub email: String,
    pub username: Option<String>,
    pub name: String,
}

impl Db {
    /// Makes an account; in the audit, the new user is the actor. A taken e-mail or username is a field error; if both are
    /// taken, both are named.
    pub async fn create_user(&self, new: &NewUser, request_id: &str) -> Result<i64> {
        let created = sqlx::query_scalar!(
            r#"
            with actor as materialized (
                select id, act_as(id, $1, case when $6 then 'cli' else 'api' end, $5) as acts
                from nextval(pg_get_serial_sequence('users', 'id')) as id)
            insert into users (id, email, username, name, password_hash, is_staff, is_superuser)
            overriding system value
            select actor.id, $1, $2, $3, $4, $6, $6
            from actor
            returning id
            "#,
            new.email,
            new.username,
            new.name,
            new.password_hash,
            request_id,
            new.is_superuser
        )
        .fetch_one(self.connection())
        .await;
        match created.map_err(ApiError::from) {
            Err(ApiError::Invalid(error)) => {
                // PostgreSQL names only one
                let taken = self.taken(Some(&new.email), new.username.as_deref()).await?;
                Err(ApiError::Invalid(if taken.is_empty() { error } else { taken }))
            }
            created => created,
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
        .fetch_one(self.connection())
        .await?;
        let taken = [(taken.email, "users_email_key"), (taken.username, "users_username_key")];
        let constraints = taken.into_iter().filter_map(|(taken, constraint)| taken.then_some(constraint));
        Ok(constraints.filter_map(|constraint| constraint_error("users", constraint)).collect())
    }

    /// The account with this e-mail address or username, in any case of letters.
    pub async fn credentials(&self, login: &str) -> Result<Option<Credentials>> {
        let credentials = sqlx::query_as!(
            Credentials,
            r#"
            select id as user_id, password_hash, is_active, email, username, name
            from users
            where lower(email) = lower($1) or lower(username) = lower($1)
            order by lower(email) = lower($1) desc
            limit 1
            "#,
            login
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(credentials)
    }

    /// The caller's own account.
    pub async fn account(&self, user: &CurrentUser) -> Result<User> {
        let account = sqlx::query_as!(
            User,
            r#"
            with actor as materialized (select * from actor($1))
            select u.id, u.name, u.email, u.username
            from users u
            where u.id = (select id from actor)
            "#,
            Caller::of(user) as _
        )
        .fetch_optional(self.connection())
        .await?;
        self.found(user, "User", account).await
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
            select u.id as user_id, u.password_hash, u.is_active, u.email, u.username, u.name
            from users u
            where u.id = (select id from actor)
            "#,
            Caller::of(user) as _
        );
        let credentials = credentials.fetch_optional(self.connection()).await?;
        self.found(user, "User", credentials).await
    }

    /// Changes the caller's own password and ends the other sessions. False: the password is no longer `old_hash`.
    pub async fn change_own_password(&self, user: &CurrentUser, old_hash: &str, new_hash: &str) -> Result<bool> {
        let changed = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1)),
            changed as (
                update users u
                set password_hash = $3
                where u.id = (select id from actor) and u.password_hash = $2
                returning u.id),
            ended as (
                update sessions s
                set ended_at = now()
                where s.user_id = (select id from changed) and s.id <> (select session_id from actor)
                    and s.ended_at is null)
            select id from changed
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

    /// Changes the password of an account and ends its sessions.
    pub async fn change_password(&self, user_id: i64, password_hash: &str, request_id: &str) -> Result<()> {
        sqlx::query!(
            r#"
            with actor as materialized (
                select id, email, act_as(id, email, 'cli', $3) as acts from users where id = $1),
            ended as (
                update sessions set ended_at = now()
                where user_id = (select id from actor) and ended_at is null)
            update users u
            set password_hash = $2
            where u.id = (select id from actor)
            "#,
            user_id,
            password_hash,
            request_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
