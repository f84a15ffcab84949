-- Facts: what stores sent, append-only, once per (store, event id). Everything else here is computed from them.

create table stores (
    id integer primary key,
    name text not null,
    currency text not null,
    timezone text not null,
    week_start text not null,
    -- Goes up with every commit for the store: the ETag of its reports.
    version bigint not null default 0
);

create table events (
    store_id integer not null,
    event_id text collate "C" not null,
    type text not null,
    -- The order, SKU or customer that the event is about.
    subject text collate "C" not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    request_id text not null,
    -- Tells a harmless repeat from another event under the same id.
    body_hash bigint not null,
    customer_id text collate "C",
    currency text,
    channel text,
    country text,
    shipping bigint,
    tax bigint,
    refund_id text collate "C",
    amount bigint,
    location text,
    quantity integer,
    reason text,
    unit_cost bigint,
    attributes jsonb,
    primary key (store_id, event_id)
);

create table event_lines (
    store_id integer not null,
    event_id text collate "C" not null,
    line_no integer not null,
    sku text collate "C" not null,
    quantity integer not null,
    -- Of an order: the price. Of a refund: null, and `amount` says what was given back.
    unit_price bigint,
    amount bigint,
    name text,
    category text,
    unit_cost bigint,
    discount bigint not null default 0,
    primary key (store_id, event_id, line_no)
);
