-- Failed logins: whoever failed too often waits, wherever the next server is. A login that succeeds writes nothing here.

-- Each key is a bucket that leaks: a failure adds its share of the period, and what is fuller than the period is too full.
create table login_failures (
    -- a keyed hash of the client's address, and of the account that was typed
    key bytea not null,
    -- when it is empty
    until timestamptz not null,
    -- when it was last written down that it is full
    throttled_at timestamptz,
    constraint login_failures_pkey primary key (key)
);

create index login_failures_until_idx on login_failures (until);

-- In how many seconds there is room for one more failure: none or less if there is now, null if there was no failure.
create function login_wait(keys bytea[], spacings interval[], period interval) returns bigint
    language sql stable as
$$
    select ceil(extract(epoch from max(f.until + t.spacing) - period - now()))::bigint
    from unnest(keys, spacings) as t (key, spacing)
    join login_failures f on f.key = t.key
$$;
