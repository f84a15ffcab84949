-- The current state of orders, refunds, products and customers: what all events about them add up to,
-- in whatever order the events came. The latest statement (occurred_at, event_id) about a thing wins.

create table orders (
    store_id integer not null,
    order_id text collate "C" not null,
    -- The winning order.placed event; null while only a cancellation is known.
    event_id text collate "C",
    version_at timestamptz,
    -- When the order was first placed: a correction changes what was sold, not when.
    placed_at timestamptz,
    customer_id text collate "C",
    channel text,
    country text,
    -- Something was sold, not only returned: such receipts count as orders.
    is_sale boolean not null default false,
    cancelled_at timestamptz,
    primary key (store_id, order_id)
) with (fillfactor = 90);

create index orders_placed on orders (store_id, placed_at);
create index orders_of_customer on orders (store_id, customer_id, placed_at) where customer_id is not null and is_sale;

create table refunds (
    store_id integer not null,
    order_id text collate "C" not null,
    refund_id text collate "C" not null,
    event_id text collate "C" not null,
    version_at timestamptz not null,
    refunded_at timestamptz not null,
    amount bigint,
    primary key (store_id, order_id, refund_id)
);

create index refunds_made on refunds (store_id, refunded_at);

create table products (
    store_id integer not null,
    sku text collate "C" not null,
    event_id text collate "C",
    version_at timestamptz,
    name text,
    category text,
    unit_cost bigint,
    lead_time_days double precision,
    attributes jsonb,
    -- What the latest order line called it, for products nobody described.
    seen_name text,
    seen_at timestamptz,
    seen_event_id text collate "C",
    primary key (store_id, sku)
) with (fillfactor = 80);

create table customers (
    store_id integer not null,
    customer_id text collate "C" not null,
    event_id text collate "C",
    version_at timestamptz,
    attributes jsonb,
    -- First order ever: of all orders, and of those not cancelled.
    first_gross timestamptz,
    first_net timestamptz,
    primary key (store_id, customer_id)
) with (fillfactor = 90);
