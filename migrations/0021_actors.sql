-- The callers of reads that are asked together: for each place of the array one row, which says who it is, or why nothing
-- may be read. It names no actor, because a read changes nothing.
create function actors(callers caller[])
    returns table (n bigint, user_id bigint, email text, is_staff boolean, refusal text)
    language sql stable as
$$
    select c.n, c.user_id, u.email, u.is_staff,
        case
            when u.id is null and c.token_hash is null then 'no_user'
            -- of a token that the server did not sign nothing is known, not even whose it is
            when s.token_hash is distinct from c.token_hash then 'no_login'
            when not u.is_active then 'inactive'
            when s.id is null or s.ended_at is not null or s.token_hash is not null and s.expires_at <= now() then 'no_login'
            when s.is_read_only and c.writes then 'read_only'
        end
    -- the select hides how many there are, so that one plan is good for all; `offset 0` keeps it a look-up for each
    from unnest((select callers))
        with ordinality c (user_id, session_id, token_hash, writes, request_id, address, n)
    left join lateral (
        select u.id, u.email, u.is_staff, u.is_active
        from users u
        where u.id = c.user_id
        offset 0) u on true
    left join lateral (
        select s.id, s.token_hash, s.expires_at, s.ended_at, s.is_read_only
        from sessions s
        where s.user_id = u.id and s.id = c.session_id
        offset 0) s on true
$$;
