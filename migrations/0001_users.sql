-- Accounts, and the sessions that they log in with.

create table users (
    id bigint generated always as identity constraint users_pkey primary key,
    email text not null
        constraint users_email_check check (length(email) between 1 and 254),
    -- null: none was given, and the e-mail is shown in its place
    username text
        constraint users_username_check check (length(username) between 1 and 150),
    name text not null
        constraint users_name_check check (length(name) between 1 and 150),
    password_hash text not null,
    is_active boolean not null default true,
    is_staff boolean not null default false,
    is_superuser boolean not null default false,
    date_joined timestamptz not null default now(),
    last_login timestamptz,
    updated_at timestamptz not null default now(),
    version bigint not null default 1
);

create unique index users_email_key on users (lower(email));
create unique index users_username_key on users (lower(username));

-- One row a login. The tokens of a login carry its id, and stop working when it ends.
create table sessions (
    id bigint generated always as identity constraint sessions_pkey primary key,
    user_id bigint not null
        constraint sessions_user_id_fkey references users on delete cascade,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    user_agent text not null,
    address text not null
);

create index sessions_user_id_idx on sessions (user_id);

-- Counts the versions of a row, whoever changes it.
create function touch() returns trigger
    language plpgsql as
$$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    return new;
end
$$;

-- A login is no change of the account, so last_login is not among the columns.
create trigger users_touch
    before update of email, username, name, password_hash, is_active, is_staff, is_superuser
    on users
    for each row execute function touch();
