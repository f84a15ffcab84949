-- name: find_key
-- A key with its store, unless it was revoked or has expired.
select k.id, k.secret_hash, k.scopes, k.expires_at,
       s.id as store_id, s.name, s.currency, s.timezone, s.week_start
from gateway.api_keys k left join gateway.stores s on s.id = k.store_id
where k.id = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())

-- name: find_session
-- A session with the key or person behind it, unless it or they have ended.
select coalesce(k.id, 'user:' || u.id) as id, coalesce(k.scopes, case when u.is_admin then array['admin'] else array[]::text[] end) as scopes,
       x.expires_at, s.id as store_id, s.name, s.currency, s.timezone, s.week_start
from gateway.sessions x
left join gateway.users u on u.id = x.user_id
left join gateway.api_keys k on k.id = x.key_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
left join gateway.stores s on s.id = k.store_id
where x.token_hash = $1 and x.expires_at > now() and (u.id is not null or k.id is not null)

-- name: add_session
-- A new session of a person or a key.
insert into gateway.sessions (token_hash, user_id, key_id, expires_at) values ($1, $2, $3, now() + make_interval(hours => $4))

-- name: end_session
-- The end of a session.
delete from gateway.sessions where token_hash = $1

-- name: find_user
-- A person by e-mail address.
select id, password_hash from gateway.users where email = lower($1)

-- name: put_admin
-- The platform's admin with a new password.
insert into gateway.users (email, password_hash, is_admin) values (lower($1), $2, true)
on conflict (email) do update set password_hash = excluded.password_hash, is_admin = true

-- name: put_admin_key
-- The platform's admin key.
insert into gateway.api_keys (id, secret_hash, scopes, name) values ($1, $2, array['admin'], 'platform admin')
on conflict (id) do update set secret_hash = excluded.secret_hash, revoked_at = null

-- name: add_store
-- A new store.
insert into gateway.stores (name, currency, timezone, week_start) values ($1, $2, $3, $4) returning id

-- name: find_store
-- A store by name.
select id, name, currency, timezone, week_start from gateway.stores where name = $1

-- name: list_stores
-- All stores, oldest first.
select id, name, currency, timezone, week_start from gateway.stores order by id

-- name: add_key
-- A new key of a store; $6 is its life in seconds or null.
insert into gateway.api_keys (id, store_id, secret_hash, scopes, name, expires_at)
values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))

-- name: list_keys
-- All keys, newest first, without anything secret.
select k.id, s.name as store, k.scopes, k.name, k.created_at, k.expires_at, k.revoked_at
from gateway.api_keys k left join gateway.stores s on s.id = k.store_id
order by k.created_at desc, k.id

-- name: revoke_key
-- The end of a key.
update gateway.api_keys set revoked_at = now() where id = $1 and revoked_at is null returning id
