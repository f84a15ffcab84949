-- Who may come in: stores, their API keys, people and their sessions.

create table stores (
    id integer generated always as identity primary key,
    name text not null unique,
    currency text not null,
    timezone text not null,
    week_start text not null,
    created_at timestamptz not null default now()
);

-- A key is tw_<id>_<secret>; only a hash of the secret is kept. Without a store it belongs to the platform's admin.
create table api_keys (
    id text primary key,
    store_id integer references stores (id),
    secret_hash bytea not null,
    scopes text[] not null,
    name text not null default '',
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

create index api_keys_of_store on api_keys (store_id);

create table users (
    id integer generated always as identity primary key,
    email text not null unique,
    password_hash text not null,
    is_admin boolean not null default false,
    created_at timestamptz not null default now()
);

-- A browser's session stands for a person or for an API key, and ends with it.
create table sessions (
    token_hash bytea primary key,
    user_id integer references users (id) on delete cascade,
    key_id text references api_keys (id) on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    check ((user_id is null) <> (key_id is null))
);
