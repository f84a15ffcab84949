-- What one transaction of the intake does, statement by statement. tw_* are temporary tables of the session.
-- Facts are named with their schema, what is derived from them is not: `rebuild` runs the same statements with
-- temporary tables of the same names in front.

-- name: session
-- Staging tables, once per connection. They are emptied by every commit and never written to the log.
create temp table tw_events (like analytics.events, is_sale boolean not null) on commit delete rows;
-- first_of_…: the line by which the order counts once, for itself and for a product; only what is sold does.
create temp table tw_lines (like analytics.event_lines, first_of_order boolean not null, first_of_sku boolean not null) on commit delete rows;
create temp table tw_stale (store_id integer, event_id text collate "C") on commit delete rows;
create temp table tw_touched (store_id integer, order_id text collate "C") on commit delete rows;
-- New orders that nothing else is known of: they need no look at what they were.
create temp table tw_new (
    store_id integer, order_id text collate "C", event_id text collate "C", at timestamptz, hour timestamptz, day date,
    customer_id text collate "C", channel text, country text
) on commit delete rows;
-- What is added to the sums (sign 1) or taken away (-1); all figures have that sign already. orders_*: on the line by which the order
-- counts; sku_orders_*: on the one by which it counts for the product.
create temp table tw_deltas (
    sign bigint, store_id integer, order_id text collate "C", at timestamptz, hour timestamptz, day date,
    customer_id text collate "C", channel text, country text, sku text collate "C", category text,
    sold boolean, cancelled boolean,
    orders_gross bigint, orders_net bigint, sku_orders_gross bigint, sku_orders_net bigint,
    units_gross bigint, units_net bigint, sales_gross bigint, sales_net bigint, discounts bigint, refunds bigint,
    cost_gross bigint, cost_net bigint, uncosted_net bigint, units_cancelled bigint
) on commit delete rows

-- name: lock_stores
-- One writer a store at a time: sums are made of what was there before.
select pg_advisory_xact_lock(745594, store_id) from unnest($1::integer[]) as store_id order by store_id

-- name: sign
-- Who is at work, for pg_stat_activity: the service and the request that the transaction serves.
select set_config('application_name', $1, true)

-- name: know_store
-- The store as its messages describe it.
insert into analytics.stores (id, name, currency, timezone, week_start) values ($1, $2, $3, $4, $5)
on conflict (id) do update set name = excluded.name where stores.name <> excluded.name

-- name: new_version
-- The store's reports are out of date from now on.
update analytics.stores set version = version + 1 where id = any($1::integer[])

-- name: add_events
-- The journal: once per (store, event id), in the order of the keys.
insert into analytics.events
    (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, customer_id, currency, channel, country,
     shipping, tax, refund_id, amount, location, quantity, reason, unit_cost, attributes)
select store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, customer_id, currency, channel, country,
       shipping, tax, refund_id, amount, location, quantity, reason, unit_cost, attributes
from tw_events
order by store_id, event_id
on conflict (store_id, event_id) do nothing

-- name: find_stale
-- When some were there before: which. What this transaction put in has its number.
insert into tw_stale
select s.store_id, s.event_id
from tw_events s
cross join lateral (
    select e.xmin from analytics.events e where e.store_id = s.store_id and e.event_id = s.event_id offset 0
) e
where e.xmin <> pg_current_xact_id()::xid

-- name: conflicts
-- Events whose id was used before for something else: they do not count, and somebody should know.
select s.store_id, s.event_id
from tw_stale t
join tw_events s using (store_id, event_id)
join analytics.events e using (store_id, event_id)
where e.body_hash <> s.body_hash

-- name: drop_stale_events
-- Forget staged events that were here before.
delete from tw_events s using tw_stale t where t.store_id = s.store_id and t.event_id = s.event_id

-- name: drop_stale_lines
-- And their lines.
delete from tw_lines s using tw_stale t where t.store_id = s.store_id and t.event_id = s.event_id

-- name: add_lines
-- The lines of new orders and refunds.
insert into analytics.event_lines
    (store_id, event_id, line_no, sku, quantity, unit_price, amount, name, category, unit_cost, discount)
select store_id, event_id, line_no, sku, quantity, unit_price, amount, name, category, unit_cost, discount
from tw_lines

-- name: put_new_orders
-- Orders that are new and of which the batch says one thing alone (not those in $1): what they add to the sums is what they say. They
-- are looked up one by one ("offset 0"), because the planner does not know how few they are.
with alone as (
    select store_id, subject, event_id, occurred_at as at, customer_id, channel, country, is_sale
    from tw_events e
    where type = 'order.placed' and not exists (select from unnest($1::text[]) as told (order_id) where told.order_id = e.subject)
), fresh as (
    insert into orders (store_id, order_id, event_id, version_at, placed_at, customer_id, channel, country, is_sale)
    select a.store_id, a.subject, a.event_id, a.at, a.at, a.customer_id, a.channel, a.country, a.is_sale
    from alone a
    left join lateral (select true as known from orders o where o.store_id = a.store_id and o.order_id = a.subject offset 0) o on true
    left join lateral (
        select true as known from refunds r where r.store_id = a.store_id and r.order_id = a.subject limit 1
    ) r on true
    where o.known is null and r.known is null
    order by a.store_id, a.subject
    returning store_id, order_id, event_id, placed_at, customer_id, channel, country
)
insert into tw_new
select f.store_id, f.order_id, f.event_id, f.placed_at, date_trunc('hour', f.placed_at, s.timezone), (f.placed_at at time zone s.timezone)::date,
       f.customer_id, coalesce(f.channel, ''), coalesce(f.country, '')
from fresh f join analytics.stores s on s.id = f.store_id

-- name: touch_orders
-- The orders that the events are about and that may have been there before.
insert into tw_touched
select distinct e.store_id, e.subject
from tw_events e
where e.type in ('order.placed', 'order.refunded', 'order.cancelled')
  and not exists (select from tw_new n where n.store_id = e.store_id and n.order_id = e.subject)

-- name: touch_recategorised
-- The orders that sold or refunded a product, when the product's category changes now: lines without a category of
-- their own count under the product's. The days on which the product has a sum tell where to look.
insert into tw_touched
with latest as (
    select distinct on (s.store_id, s.subject)
        s.store_id, s.subject as sku, s.occurred_at, s.event_id, s.attributes ->> 'category' as category
    from tw_events s
    where s.type = 'product.updated'
    order by s.store_id, s.subject, s.occurred_at desc, s.event_id desc
), changed as (
    select l.store_id, l.sku
    from latest l left join products p on p.store_id = l.store_id and p.sku = l.sku
    where p.category is distinct from l.category
      and (p.version_at is null or (l.occurred_at, l.event_id) > (p.version_at, p.event_id))
), days as (
    select c.store_id, c.sku, r.day, r.day::timestamp at time zone s.timezone as from_at, (r.day + 1)::timestamp at time zone s.timezone as to_at
    from changed c
    join analytics.stores s on s.id = c.store_id
    join rollup_days r on r.store_id = c.store_id and r.dim = 'product' and r.value = c.sku
)
select o.store_id, o.order_id
from days d
join orders o on o.store_id = d.store_id and o.placed_at >= d.from_at and o.placed_at < d.to_at
join analytics.event_lines l on l.store_id = o.store_id and l.event_id = o.event_id and l.sku = d.sku and l.category is null
union
select r.store_id, r.order_id
from days d
join refunds r on r.store_id = d.store_id and r.refunded_at >= d.from_at and r.refunded_at < d.to_at
join analytics.event_lines l on l.store_id = r.store_id and l.event_id = r.event_id and l.sku = d.sku
except
select store_id, order_id from tw_touched

-- name: touch_recosted
-- The orders whose lines state no cost and were placed while a cost holds that is told only now: from it to the next one
-- known, and all before it when it is the first.
insert into tw_touched
with told as (
    select s.store_id, s.subject as sku, s.occurred_at, s.event_id
    from tw_events s
    where s.type = 'product.updated' and s.attributes ->> 'unit_cost' is not null
), spans as (
    select t.store_id, t.sku,
           case when exists (
               select from product_costs c
               where c.store_id = t.store_id and c.sku = t.sku and (c.valid_from, c.event_id) < (t.occurred_at, t.event_id)
           ) then t.occurred_at else '-infinity' end as from_at,
           coalesce((
               select c.valid_from from product_costs c
               where c.store_id = t.store_id and c.sku = t.sku and (c.valid_from, c.event_id) > (t.occurred_at, t.event_id)
               order by c.valid_from, c.event_id limit 1
           ), 'infinity') as to_at
    from told t
), days as (
    select distinct p.store_id, p.sku, p.from_at, p.to_at,
           r.day::timestamp at time zone s.timezone as day_begin, (r.day + 1)::timestamp at time zone s.timezone as day_end
    from spans p
    join analytics.stores s on s.id = p.store_id
    join rollup_days r on r.store_id = p.store_id and r.dim = 'product' and r.value = p.sku
)
select distinct o.store_id, o.order_id
from days d
join orders o on o.store_id = d.store_id and o.placed_at >= d.day_begin and o.placed_at < d.day_end
             and o.placed_at >= d.from_at and o.placed_at < d.to_at
join analytics.event_lines l on l.store_id = o.store_id and l.event_id = o.event_id and l.sku = d.sku and l.unit_cost is null
where not exists (select from tw_touched t where t.store_id = o.store_id and t.order_id = o.order_id)

-- name: put_product_costs
-- What products cost, from when on.
insert into product_costs (store_id, sku, valid_from, event_id, unit_cost)
select store_id, subject, occurred_at, event_id, (attributes ->> 'unit_cost')::bigint
from tw_events
where type = 'product.updated' and attributes ->> 'unit_cost' is not null
on conflict do nothing

-- name: put_orders
-- Orders as the latest statement about them says, on the date of the first one.
insert into orders (store_id, order_id, event_id, version_at, placed_at, customer_id, channel, country, is_sale)
select distinct on (store_id, subject)
    store_id, subject, event_id, occurred_at, min(occurred_at) over (partition by store_id, subject),
    customer_id, channel, country, is_sale
from tw_events e
where type = 'order.placed' and not exists (select from tw_new n where n.store_id = e.store_id and n.order_id = e.subject)
order by store_id, subject, occurred_at desc, event_id desc
on conflict (store_id, order_id) do update set
    placed_at = least(orders.placed_at, excluded.placed_at),
    (event_id, version_at, customer_id, channel, country, is_sale) = (
        select v.event_id, v.version_at, v.customer_id, v.channel, v.country, v.is_sale
        from (values
            (excluded.event_id, excluded.version_at, excluded.customer_id, excluded.channel, excluded.country, excluded.is_sale),
            (orders.event_id, orders.version_at, orders.customer_id, orders.channel, orders.country, orders.is_sale)
        ) as v (event_id, version_at, customer_id, channel, country, is_sale)
        order by v.version_at desc nulls last, v.event_id desc
        limit 1
    )

-- name: put_cancellations
-- Cancelled orders; the order itself may come later.
insert into orders (store_id, order_id, cancelled_at)
select store_id, subject, min(occurred_at) from tw_events where type = 'order.cancelled' group by store_id, subject
on conflict (store_id, order_id) do update set cancelled_at = least(orders.cancelled_at, excluded.cancelled_at)

-- name: put_refunds
-- Refunds as the latest statement about them says, on the date of the first one.
insert into refunds (store_id, order_id, refund_id, event_id, version_at, refunded_at, amount)
select distinct on (store_id, subject, refund_id)
    store_id, subject, refund_id, event_id, occurred_at, min(occurred_at) over (partition by store_id, subject, refund_id), amount
from tw_events
where type = 'order.refunded'
order by store_id, subject, refund_id, occurred_at desc, event_id desc
on conflict (store_id, order_id, refund_id) do update set
    refunded_at = least(refunds.refunded_at, excluded.refunded_at),
    (event_id, version_at, amount) = (
        select v.event_id, v.version_at, v.amount
        from (values
            (excluded.event_id, excluded.version_at, excluded.amount),
            (refunds.event_id, refunds.version_at, refunds.amount)
        ) as v (event_id, version_at, amount)
        order by v.version_at desc, v.event_id desc
        limit 1
    )

-- name: put_products
-- Products as last described.
insert into products (store_id, sku, event_id, version_at, name, category, unit_cost, lead_time_days, attributes)
select distinct on (store_id, subject)
    store_id, subject, event_id, occurred_at, attributes ->> 'name', attributes ->> 'category',
    (attributes ->> 'unit_cost')::bigint, (attributes ->> 'lead_time_days')::double precision, attributes
from tw_events
where type = 'product.updated'
order by store_id, subject, occurred_at desc, event_id desc
on conflict (store_id, sku) do update set
    event_id = excluded.event_id, version_at = excluded.version_at, name = excluded.name, category = excluded.category,
    unit_cost = excluded.unit_cost, lead_time_days = excluded.lead_time_days, attributes = excluded.attributes
where products.version_at is null or (excluded.version_at, excluded.event_id) > (products.version_at, products.event_id)

-- name: put_seen_names
-- What order lines call products, for those that nobody described.
insert into products (store_id, sku, seen_name, seen_category, seen_at, seen_event_id)
select distinct on (l.store_id, l.sku) l.store_id, l.sku, l.name, l.category, e.occurred_at, l.event_id
from tw_lines l
join tw_events e on e.store_id = l.store_id and e.event_id = l.event_id
where l.name is not null
order by l.store_id, l.sku, e.occurred_at desc, l.event_id desc, l.line_no desc
on conflict (store_id, sku) do update set
    seen_name = excluded.seen_name, seen_category = excluded.seen_category, seen_at = excluded.seen_at, seen_event_id = excluded.seen_event_id
where products.seen_at is null or (excluded.seen_at, excluded.seen_event_id) > (products.seen_at, products.seen_event_id)

-- name: put_customers
-- Customers as last described.
insert into customers (store_id, customer_id, event_id, version_at, attributes)
select distinct on (store_id, subject) store_id, subject, event_id, occurred_at, attributes
from tw_events
where type = 'customer.updated'
order by store_id, subject, occurred_at desc, event_id desc
on conflict (store_id, customer_id) do update set
    event_id = excluded.event_id, version_at = excluded.version_at, attributes = excluded.attributes
where customers.version_at is null or (excluded.version_at, excluded.event_id) > (customers.version_at, customers.event_id)

-- name: note_stock
-- Whose stock is to be settled, and from when on: movements and counts change it from their moment, a product's cost from
-- the beginning (goods that came without a price cost what the product did).
insert into stock_changes (store_id, sku, at, event_id)
select distinct on (store_id, subject)
    store_id, subject, case when type = 'product.updated' then '-infinity' else occurred_at end as at, event_id
from tw_events
where type in ('stock.moved', 'stock.counted') or (type = 'product.updated' and attributes ->> 'unit_cost' is not null)
order by store_id, subject, at, event_id
