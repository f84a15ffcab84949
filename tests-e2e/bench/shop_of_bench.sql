-- A believable shop of any size, written straight into the facts. Every figure comes from a hash of what it is about, so
-- two runs make the same shop. Placeholders in braces are numbers and names of ours.

-- name: dice
-- A number in [0, 1) that depends on nothing but `n` and what is asked about it.
create function pg_temp.dice(n bigint, what integer) returns double precision
language sql immutable parallel safe
return (hashint8extended(n, what) & 9007199254740991)::double precision / 9007199254740992;

-- name: secondary_indexes
-- Indexes of the facts beside their keys.
select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
from pg_index
where indrelid in ('analytics.events'::regclass, 'analytics.event_lines'::regclass) and not indisprimary;

-- name: days
-- How many orders each day of three years has: growth, a season with a peak before Christmas, weekdays, and luck.
create temp table days as
with weighed as (
    select day::date as day,
           (1 + 0.8 * (day::date - date '{first}') / 1095.0)
           * (1 + 0.15 * sin(2 * pi() * date_part('doy', day) / 365.25)
              + case when to_char(day, 'MMDD') between '1118' and '1221' then 0.6 else 0 end)
           * (array[1.0, 0.95, 0.95, 1.0, 1.15, 1.25, 0.7])[date_part('isodow', day)::integer]
           * (0.85 + 0.3 * pg_temp.dice(day::date - date '{first}', 1))
           -- The last day has run until noon.
           * case when day::date = date '{last}' then 0.5 else 1 end as weight
    from generate_series(timestamp '{first}', timestamp '{last}', interval '1 day') as day
), shares as (
    select day, round({orders} * sum(weight) over (order by day) / sum(weight) over ())::bigint as until_now from weighed
)
select day, coalesce(lag(until_now) over (order by day), 0) as before, until_now - coalesce(lag(until_now) over (order by day), 0) as orders
from shares;

-- name: products
-- The range: the most bought one has rank 1. A third came after the start, an eighth is sold no more; the first tenth always is.
create temp table range as
select rank, 'SKU-' || to_char(rank * 7919 % 100003, 'FM00000') as sku,
       'Product ' || rank as name,
       'Category ' || to_char(1 + floor(20 * pg_temp.dice(rank, 1) ^ 1.5), 'FM00') as category,
       (200 + floor(9800 * pg_temp.dice(rank, 2) ^ 3))::bigint as price,
       (0.35 + 0.35 * pg_temp.dice(rank, 3)) as cost_share,
       (2 + floor(40 * pg_temp.dice(rank, 4) ^ 2))::integer as lead_time_days,
       'Supplier ' || to_char(1 + floor(60 * pg_temp.dice(rank, 5)), 'FM00') as supplier,
       date '{first}' + case when rank * 10 > {products} and pg_temp.dice(rank, 6) < 0.35
           then (1000 * pg_temp.dice(rank, 7))::integer else 0 end as born,
       date '{last}' - case when rank * 10 > {products} and pg_temp.dice(rank, 8) < 0.12
           then (700 * pg_temp.dice(rank, 9))::integer else -1 end as gone
from generate_series(1, {products}) as rank;
create unique index on range (rank);
analyze range;

-- name: orders
-- The orders in the order of their days. Of those with a customer, some are a new customer's, some a recent one's who
-- comes back, and most those of few who come often; one in five has none.
create temp table made as
select n, day, day::timestamp + interval '1 second' * floor(case when day = date '{last}' then 0.5 else 1 end * 3600
           * (case when pg_temp.dice(n, 1) < 0.05 then 24 * pg_temp.dice(n, 2) else 7 + 8 * (pg_temp.dice(n, 2) + pg_temp.dice(n, 3)) end))
           as clock,
       case when pg_temp.dice(n, 4) >= 0.2 then floor(case
           when pg_temp.dice(n, 5) < 0.15 then greatest(known - {customers} * 0.002 * pg_temp.dice(n, 6) ^ 2, 0)
           when pg_temp.dice(n, 5) < 0.40 then 2 * floor(known * (1 - 0.1 * pg_temp.dice(n, 6) ^ 2) / 2)
           else known * pg_temp.dice(n, 6) ^ 2.5
       end)::bigint end as customer,
       (array['web', 'web', 'web', 'web', 'web', 'web', 'app', 'app', 'app', 'pos', 'pos', 'marketplace'])[1 + floor(12 * pg_temp.dice(n, 7))::integer] as channel,
       (array['DE', 'AT', 'CH', 'FR', 'NL', 'BE', 'IT', 'ES', 'PL', 'DK', 'SE', 'CZ', 'LU', 'FI', 'NO', 'PT', 'IE', 'HU', 'GR', 'US'])
           [1 + floor(20 * pg_temp.dice(n, 8) ^ 4)::integer] as country,
       (array[1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 10])[1 + floor(20 * pg_temp.dice(n, 9))::integer] as lines
from days
cross join lateral generate_series(before + 1, before + orders) as n
cross join lateral (select {customers} * n / {orders}::double precision as known) c;

-- name: add_products
-- Every product is described at the start, and a third of them once more, when its cost rises.
insert into analytics.events (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, attributes)
select {store}, 'p-' || sku || '-' || year, 'product.updated', sku, at, at, 'bench', hashtext(sku || year),
       jsonb_build_object('name', name, 'category', category, 'unit_cost', round(price * cost_share * (1 + 0.06 * year)),
                          'lead_time_days', lead_time_days, 'supplier', supplier)
from range
cross join generate_series(0, 2) as year
cross join lateral (select (date '{first}' + 365 * year)::timestamp at time zone '{zone}' as at) a
where year = 0 or pg_temp.dice(rank, 20 + year) < 0.33
order by 2;

-- name: add_customers
-- One customer in five is described.
insert into analytics.events (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, attributes)
select {store}, 'u-' || to_char(customer, 'FM000000000'), 'customer.updated', 'C' || to_char(customer, 'FM000000000'), at, at, 'bench', customer,
       jsonb_build_object('group', case when pg_temp.dice(customer, 1) < 0.1 then 'business' else 'private' end)
from generate_series(0, {customers} - 1, 5) as customer
cross join lateral (select date '{first}'::timestamptz as at) a
order by 2;

-- name: add_orders
insert into analytics.events
    (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, customer_id, currency, channel, country, shipping, tax)
select {store}, 'o-' || to_char(n, 'FM000000000'), 'order.placed', to_char(n, 'FM000000000'), at, at, 'bench', n,
       'C' || to_char(customer, 'FM000000000'), 'EUR', channel, case when pg_temp.dice(n, 10) >= 0.01 then country end, 490, 0
from made
cross join lateral (select clock at time zone '{zone}' as at) a;

-- name: add_order_lines
-- Popularity falls with the rank as Zipf found; a product that is not sold on that day gives way to one of the first tenth.
-- One line in two hundred is a return, one in twelve has a discount, half the products state their cost, three quarters their category.
insert into analytics.event_lines (store_id, event_id, line_no, sku, quantity, unit_price, category, unit_cost, discount)
select {store}, 'o-' || to_char(d.n, 'FM000000000'), d.line, r.sku, d.quantity, r.price,
       case when r.rank % 4 <> 0 then r.category end, case when r.rank % 2 = 0 then round(r.price * r.cost_share) end,
       case when pg_temp.dice(d.key, 14) < 0.08 and d.quantity > 0 then r.price / 10 * d.quantity else 0 end
from (
    select m.n, line, key, m.day, floor(exp(pg_temp.dice(key, 11) * ln({products} + 1)))::integer as wanted,
           1 + floor({products} * 0.1 * pg_temp.dice(key, 12))::integer as instead,
           (array[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 6])[1 + floor(20 * pg_temp.dice(key, 13))::integer]
               * case when pg_temp.dice(key, 15) < 0.005 then -1 else 1 end as quantity
    from made m
    cross join lateral generate_series(0, m.lines - 1) as line
    cross join lateral (select m.n * 16 + line as key) k
    offset 0
) d
join range w on w.rank = least(d.wanted, {products})
join range r on r.rank = case when d.day >= w.born and d.day < w.gone then w.rank else least(d.instead, greatest({products} / 10, 1)) end;

-- name: add_cancellations
-- Two orders in a hundred are cancelled within two days.
insert into analytics.events (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash)
select {store}, 'c-' || to_char(n, 'FM000000000'), 'order.cancelled', to_char(n, 'FM000000000'), at, at, 'bench', n
from made
cross join lateral (select (clock + interval '1 hour' * (1 + 47 * pg_temp.dice(n, 21))) at time zone '{zone}' as at) a
where pg_temp.dice(n, 20) < 0.02 and a.at < timestamp '{last} 12:00' at time zone '{zone}';

-- name: add_refunds
-- Four in a hundred get something back within a month: one piece of the first line, or now and then money alone.
insert into analytics.events (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, refund_id, amount)
select {store}, 'r-' || to_char(n, 'FM000000000'), 'order.refunded', to_char(n, 'FM000000000'), at, at, 'bench', n, '1',
       case when pg_temp.dice(n, 24) < 0.1 then 500 end
from made
cross join lateral (select (clock + interval '1 hour' * (48 + 672 * pg_temp.dice(n, 23))) at time zone '{zone}' as at) a
where pg_temp.dice(n, 22) < 0.04 and a.at < timestamp '{last} 12:00' at time zone '{zone}';

-- name: add_refund_lines
insert into analytics.event_lines (store_id, event_id, line_no, sku, quantity, amount)
select r.store_id, r.event_id, 0, l.sku, 1, greatest(l.unit_price - l.discount / l.quantity, 0)
from analytics.events r
join analytics.event_lines l on l.store_id = r.store_id and l.event_id = 'o-' || r.subject and l.line_no = 0 and l.quantity > 0
where r.store_id = {store} and r.type = 'order.refunded' and r.amount is null
order by r.event_id;

-- name: sold
-- What left the shelves: per day, product and place.
create temp table sold as
select m.day, l.sku, case when m.channel = 'pos' then 'shop' else 'warehouse' end as location, sum(l.quantity)::integer as units
from analytics.event_lines l
join made m on m.n = substr(l.event_id, 3)::bigint
where l.store_id = {store} and l.event_id >= 'o-' and l.event_id < 'o.'
group by 1, 2, 3
having sum(l.quantity) <> 0;

-- name: add_stock_sales
-- Every evening the till books what it sold.
insert into analytics.events
    (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, location, quantity, reason)
select {store}, 'm-' || to_char(day, 'YYYYMMDD') || '-' || location || '-' || sku, 'stock.moved', sku, at, at, 'bench',
       hashtext(sku || location || day), location, -units, case when units > 0 then 'sale' else 'return' end
from sold
cross join lateral (select least(day + time '23:30', timestamp '{last} 11:59') at time zone '{zone}' as at) a
order by 2;

-- name: add_receipts
-- The warehouse gets, at a month's begin, about what the month sells, now and then nothing; the shop gets its part by transfer.
insert into analytics.events
    (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, location, quantity, reason, unit_cost)
select {store}, 'n-' || to_char(s.month, 'YYYYMM') || '-' || e.what || '-' || s.sku, 'stock.moved', s.sku, at, at, 'bench',
       hashtext(s.sku || s.month || e.what), e.location, e.quantity, e.reason, e.unit_cost
from (
    select date_trunc('month', day)::date as month, sku, coalesce(sum(units) filter (where location = 'shop'), 0)::integer as shop, sum(units)::integer as units
    from sold
    group by 1, 2
) s
join range r on r.sku = s.sku
cross join lateral (select s.month + time '05:00' as clock, hashtext(s.sku || s.month)::bigint as n) k
cross join lateral (values
    ('a', 'warehouse', (10 * ceil(s.units * (0.9 + 0.3 * pg_temp.dice(k.n, 31)) / 10))::integer, 'receipt', round(r.price * r.cost_share)::bigint, pg_temp.dice(k.n, 30) > 0.04),
    ('b', 'warehouse', -s.shop, 'transfer', null, s.shop > 0),
    ('c', 'shop', s.shop, 'transfer', null, s.shop > 0)
) as e (what, location, quantity, reason, unit_cost, happens)
cross join lateral (select (k.clock + case e.what when 'a' then interval '0' else interval '1 hour' end) at time zone '{zone}' as at) a
where e.happens and e.quantity <> 0
order by 2;

-- name: add_counts
-- Once a year a tenth of the range is counted, and something is missing.
insert into analytics.events (store_id, event_id, type, subject, occurred_at, received_at, request_id, body_hash, location, quantity)
select {store}, 's-' || to_char(c.at, 'YYYYMMDD') || '-' || m.location || '-' || m.subject, 'stock.counted', m.subject, c.at, c.at, 'bench',
       hashtext(m.subject || m.location || c.at), m.location, greatest(sum(m.quantity) - 1, 0)
from (select (date '{first}' + 365 * year - 3 + time '22:00') at time zone '{zone}' as at from generate_series(1, 3) as year) c
join analytics.events m on m.store_id = {store} and m.type = 'stock.moved' and m.occurred_at < c.at
where abs(hashtext(m.subject)) % 10 = 0
group by c.at, m.subject, m.location
order by 2;

-- name: add_store
insert into analytics.stores (id, name, currency, timezone, week_start, version) values ({store}, '{name}', 'EUR', '{zone}', 'monday', 1);
