-- Rollups: sums per bucket, kept in the transaction that stores the facts. `tillwise rebuild` recomputes them.
--
-- gross: everything as it was placed, before discounts, returns, refunds and cancellations.
-- net: what remains. A cancelled order counts nowhere in net; a refund counts on the day of the refund.

-- Hours of the store's wall clock, as the instant at which each begins (23 or 25 on the days the clock changes).
create table rollup_hours (
    store_id integer not null,
    bucket timestamptz not null,
    orders_gross bigint not null default 0,
    orders_net bigint not null default 0,
    units_gross bigint not null default 0,
    units_net bigint not null default 0,
    sales_gross bigint not null default 0,
    sales_net bigint not null default 0,
    discounts bigint not null default 0,
    refunds bigint not null default 0,
    primary key (store_id, bucket)
) with (fillfactor = 70);

-- Days in the store's timezone: dim is all, channel, country, category or product; value '' is "not given".
-- Orders of a category or product are the orders that contain it, so they do not add up to those of `all`.
create table rollup_days (
    store_id integer not null,
    dim text collate "C" not null,
    day date not null,
    value text collate "C" not null,
    orders_gross bigint not null default 0,
    orders_net bigint not null default 0,
    units_gross bigint not null default 0,
    units_net bigint not null default 0,
    sales_gross bigint not null default 0,
    sales_net bigint not null default 0,
    discounts bigint not null default 0,
    refunds bigint not null default 0,
    primary key (store_id, dim, day, value)
) with (fillfactor = 80);

-- Orders of each customer on each day.
create table customer_days (
    store_id integer not null,
    customer_id text collate "C" not null,
    day date not null,
    orders_gross integer not null default 0,
    orders_net integer not null default 0,
    primary key (store_id, customer_id, day)
) with (fillfactor = 90);

-- How many different customers ordered in each day, week (by the store's first day of the week) and month, and how
-- many of them for the first time ever.
create table rollup_customers (
    store_id integer not null,
    grain text collate "C" not null,
    bucket date not null,
    customers_gross bigint not null default 0,
    customers_net bigint not null default 0,
    new_gross bigint not null default 0,
    new_net bigint not null default 0,
    primary key (store_id, grain, bucket)
) with (fillfactor = 70);
