//! Accounts.

use super::Db;
use crate::{
    error::{ApiError, Result, constraint_fault},
    input::FieldErrors,
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
}

/// What a login is checked against.
pub struct Credentials {
    /// The user's id.
    pub user_id: i64,
    /// The hash of the password.
    pub password_hash: String,
    /// Whether the account may log in.
    pub is_active: bool,
}

impl Db {
    /// Makes an account, and is its first actor. A taken e-mail or user name is a field error, both if both are.
    pub async fn create_user(&self, new: &NewUser, request_id: &str) -> Result<i64> {
        let created = self.run(|connection| {
Box::pin(sqlx::query_scalar!(
            r#"
            with actor as materialized (
                select id, act_as(id, $1, 'api', $5) as acts from nextval(pg_get_serial_sequence('users', 'id')) as id)
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
            request_id
        ).fetch_one(connection))
}).await;
        match created {
            Err(ApiError::Invalid(fault)) => {
                // PostgreSQL names one only
                let taken = self
                    .taken(Some(&new.email), new.username.as_deref())
                    .await?;
                Err(ApiError::Invalid(if taken.is_empty() {
                    fault
                } else {
                    taken
                }))
            }
            created => created,
        }
    }

    /// Which of the two another account has.
    pub async fn taken(&self, email: Option<&str>, username: Option<&str>) -> Result<FieldErrors> {
        let taken = self
            .run(|connection| {
                Box::pin(
                    sqlx::query!(
                        r#"
            select
                exists (select from users where lower(email) = lower($1)) as "email!",
                exists (select from users where lower(username) = lower($2)) as "username!"
            "#,
                        email,
                        username
                    )
                    .fetch_one(connection),
                )
            })
            .await?;
        let taken = [
            (taken.email, "users_email_key"),
            (taken.username, "users_username_key"),
        ];
        let constraints = taken
            .into_iter()
            .filter_map(|(taken, constraint)| taken.then_some(constraint));
        Ok(constraints.filter_map(constraint_fault).collect())
    }

    /// The account of an e-mail address or a user name, in any case of letters.
    pub async fn credentials(&self, login: &str) -> Result<Option<Credentials>> {
        let credentials = self
            .run(|connection| {
                Box::pin(
                    sqlx::query_as!(
                        Credentials,
                        r#"
            select id as user_id, password_hash, is_active
            from users
            where lower(email) = lower($1) or lower(username) = lower($1)
            order by lower(email) = lower($1) desc
            limit 1
            "#,
                        login
                    )
                    .fetch_optional(connection),
                )
            })
            .await?;
        Ok(credentials)
    }
}
