-- What a POST with an Idempotency-Key made: written with the row itself, so that there is never one without the other.

create table idempotency_keys (
    user_id bigint not null
        constraint idempotency_keys_user_id_fkey references users on delete cascade,
    -- the table that the row went to
    route text not null,
    key text not null
        constraint idempotency_keys_key_check check (length(key) between 1 and 255),
    -- of the body, to know another one by
    fingerprint bytea not null,
    -- the row, as it was made
    answer jsonb not null,
    created_at timestamptz not null default now(),
    constraint idempotency_keys_pkey primary key (user_id, route, key)
);

create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
