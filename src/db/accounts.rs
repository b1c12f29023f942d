//! All accounts, for the operator. In the audit, the actor has the number 0, which is no account's, and a name such as
//! `cli:root`.

use super::{
    Db,
    users::{NewUser, User},
};
use crate::{auth::Operator, error::Result};

/// An account, as the operator sees it.
pub struct Account {
    /// Its number.
    pub id: i64,
    pub email: String,
    pub username: Option<String>,
    pub name: String,
    /// Whether it may log in.
    pub is_active: bool,
    /// How many patients it has.
    pub patients: i64,
    /// How many doctors these have, all together.
    pub mappings: i64,
}

/// All accounts, for the operator.
pub struct Accounts<'a> {
    db: &'a Db,
    operator: &'a Operator,
}

impl Db {
    /// All accounts, for the operator.
    pub fn accounts<'a>(&'a self, operator: &'a Operator) -> Accounts<'a> {
        Accounts { db: self, operator }
    }
}

impl Accounts<'_> {
    /// The account with this e-mail address or username, in any case of letters.
    pub async fn find(&self, login: &str) -> Result<Option<Account>> {
        let account = sqlx::query_as!(
            Account,
            r#"
            with actor as materialized (select act_as(0, $1, 'cli', $2) as acts)
            select u.id, u.email, u.username, u.name, u.is_active,
                (select count(*) from patients p where p.created_by = u.id) as "patients!",
                (select count(*)
                    from patients p
                    join patient_doctor_mappings m on m.patient_id = p.id
                    where p.created_by = u.id) as "mappings!"
            from actor, users u
            where lower(u.email) = lower($3) or lower(u.username) = lower($3)
            order by lower(u.email) = lower($3) desc
            limit 1
            "#,
            self.operator.name(),
            self.operator.request_id(),
            login
        );
        Ok(account.fetch_optional(self.db.connection()).await?)
    }

    /// Makes one.
    pub async fn create(&self, new: NewUser) -> Result<User> {
        let created = sqlx::query_scalar!(
            r#"
            with actor as materialized (select act_as(0, $1, 'cli', $2) as acts)
            insert into users (email, username, name, password_hash, is_staff, is_superuser)
            select $3, $4, $5, $6, $7, $8
            from actor
            returning id
            "#,
            self.operator.name(),
            self.operator.request_id(),
            new.email,
            new.username,
            new.name,
            new.password_hash,
            new.rank.is_staff(),
            new.rank.is_superuser()
        );
        let created = created.fetch_one(self.db.connection()).await;
        self.db.created(new, created).await
    }

    /// Gives one another password, and a trigger ends its sessions. False: it is gone.
    pub async fn change_password(&self, id: i64, password_hash: &str) -> Result<bool> {
        let changed = sqlx::query!(
            r#"
            with actor as materialized (select act_as(0, $1, 'cli', $2) as acts)
            update users u
            set password_hash = $4
            from actor
            where u.id = $3
            "#,
            self.operator.name(),
            self.operator.request_id(),
            id,
            password_hash
        );
        Ok(changed.execute(self.db.connection()).await?.rows_affected() == 1)
    }

    /// Lets one log in again.
    pub async fn activate(&self, id: i64) -> Result<()> {
        let activated = sqlx::query!(
            r#"
            with actor as materialized (select act_as(0, $1, 'cli', $2) as acts)
            update users u
            set is_active = true
            from actor
            where u.id = $3
            "#,
            self.operator.name(),
            self.operator.request_id(),
            id
        );
        activated.execute(self.db.connection()).await?;
        Ok(())
    }

    /// Lets one log in no more; a trigger ends its sessions. False: it is the last active superuser, or gone.
    pub async fn deactivate(&self, id: i64) -> Result<bool> {
        // those who are deactivated at the same time wait for each other at the first superuser, and see who is left
        let deactivated = sqlx::query!(
            r#"
            with actor as materialized (select act_as(0, $1, 'cli', $2) as acts),
            superusers as materialized (
                select s.id from users s where does_all(s) order by s.id for update)
            update users u
            set is_active = false
            from actor
            where u.id = $3
                and (not does_all(u) or exists (select from superusers s where s.id <> u.id))
            "#,
            self.operator.name(),
            self.operator.request_id(),
            id
        );
        Ok(deactivated.execute(self.db.connection()).await?.rows_affected() == 1)
    }

    /// Deletes one, with its patients and their mappings. False: it is the last active superuser, or gone.
    pub async fn delete(&self, id: i64) -> Result<bool> {
        let deleted = sqlx::query!(
            r#"
            with actor as materialized (select act_as(0, $1, 'cli', $2) as acts),
            superusers as materialized (
                select s.id from users s where does_all(s) order by s.id for update)
            delete from users u
            using actor
            where u.id = $3
                and (not does_all(u) or exists (select from superusers s where s.id <> u.id))
            "#,
            self.operator.name(),
            self.operator.request_id(),
            id
        );
        Ok(deleted.execute(self.db.connection()).await?.rows_affected() == 1)
    }
}
