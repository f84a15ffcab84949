-- How customers are settled. The days of a customer before the changes are the days as they are less the changes.

-- name: session
-- What the steps share: each customer's days and profile as they were and as they are, by basis.
create temp table tw_days (
    customer_id text collate "C", basis text collate "C", day date,
    -- Is there a note of it? Then its orders may say something else now, also where the sums are as they were.
    noted boolean,
    was_orders bigint, orders bigint, was_sales bigint, sales bigint, was_margin bigint, margin bigint
) on commit delete rows;
create temp table tw_profiles (
    customer_id text collate "C", basis text collate "C",
    was_first date, was_last date, was_orders bigint, was_days bigint, was_sales bigint, was_margin bigint,
    was_channel text collate "C", was_country text collate "C", was_category text collate "C",
    first_day date, last_day date, orders bigint, days bigint, sales bigint, margin bigint,
    channel text collate "C", country text collate "C", category text collate "C",
    -- The first order may be another one now, or say something else.
    moved boolean not null,
    -- Between which days something is not as it was.
    changed_from date, changed_to date,
    primary key (customer_id, basis)
) on commit delete rows

-- name: days
-- The days of the customers as they were and as they are. $1 store. (Customers are looked up one by one: "offset 0" keeps the
-- planner, who knows nothing of temporary tables, from reading what all customers left.)
insert into tw_days
with changed as (
    select t.key as customer_id, c.day, sum(c.orders_gross)::bigint as orders_gross, sum(c.orders_net)::bigint as orders_net,
           sum(c.sales_gross)::bigint as sales_gross, sum(c.sales_net)::bigint as sales_net, sum(c.margin)::bigint as margin
    from tw_settling t
    cross join lateral (select * from customer_changes c where c.store_id = $1 and c.customer_id = t.key offset 0) c
    group by t.key, c.day
), known as (
    select d.customer_id, d.day, d.orders_gross, d.orders_net, d.sales_gross, d.sales_net, d.sales_net - d.uncosted_net - d.cost_net as margin
    from tw_settling t
    cross join lateral (select * from customer_days d where d.store_id = $1 and d.customer_id = t.key offset 0) d
)
select customer_id, b.basis, day, c.day is not null, b.now_orders - b.more_orders, b.now_orders, b.now_sales - b.more_sales, b.now_sales,
       coalesce(k.margin, 0) - coalesce(c.margin, 0), coalesce(k.margin, 0)
from known k
left join changed c using (customer_id, day)
cross join lateral (values
    ('gross', k.orders_gross, coalesce(c.orders_gross, 0), k.sales_gross, coalesce(c.sales_gross, 0)),
    ('net', k.orders_net, coalesce(c.orders_net, 0), k.sales_net, coalesce(c.sales_net, 0))
) as b (basis, now_orders, more_orders, now_sales, more_sales)

-- name: profiles
-- The profiles as they are stored, and as days and first orders say now; no first day: no order. $1 store.
insert into tw_profiles
with now as (
    select customer_id, basis, min(day) filter (where orders > 0) as first_day, max(day) filter (where orders > 0) as last_day,
           sum(orders) as orders, count(*) filter (where orders > 0) as days, sum(sales) as sales, sum(margin) as margin,
           min(day) filter (where orders > 0 and noted) as first_noted,
           min(day) filter (where (was_orders, was_sales, was_margin) <> (orders, sales, margin)) as changed_from,
           max(day) filter (where (was_orders, was_sales, was_margin) <> (orders, sales, margin)) as changed_to
    from tw_days
    group by customer_id, basis
), known as (
    -- Whose first order must be looked up: who is new, and whose first day was touched.
    select n.*, p.first_day as was_first, p.last_day as was_last, coalesce(p.orders, 0) as was_orders, coalesce(p.days, 0) as was_days,
           coalesce(p.sales, 0) as was_sales, coalesce(p.margin, 0) as was_margin, p.channel, p.country, p.category,
           n.first_day is not null and (p.first_day is distinct from n.first_day or n.first_noted is not distinct from n.first_day) as moved
    from now n
    left join lateral (
        select * from customer_profiles p where p.store_id = $1 and p.basis = n.basis and p.customer_id = n.customer_id offset 0
    ) p on true
)
select k.customer_id, k.basis,
       k.was_first, k.was_last, k.was_orders, k.was_days, k.was_sales, k.was_margin, k.channel, k.country, k.category,
       k.first_day, k.last_day, k.orders, k.days, k.sales, k.margin,
       case when k.moved then coalesce(o.channel, '') else k.channel end, case when k.moved then coalesce(o.country, '') else k.country end,
       case when k.moved then coalesce(g.category, '') else k.category end,
       k.moved, k.changed_from, k.changed_to
from known k
left join lateral (
    select o.order_id, o.event_id, o.channel, o.country
    from orders o
    where k.moved and o.store_id = $1 and o.customer_id = k.customer_id and o.is_sale and (k.basis = 'gross' or o.cancelled_at is null)
    order by o.placed_at, o.order_id
    limit 1
) o on true
left join lateral (
    -- The category on which most was spent.
    select coalesce(l.category, p.category, '') as category
    from analytics.event_lines l
    left join products p on l.category is null and p.store_id = l.store_id and p.sku = l.sku
    where l.store_id = $1 and l.event_id = o.event_id and l.quantity > 0
    group by 1
    order by sum(l.quantity * l.unit_price) desc, 1
    limit 1
) g on true

-- name: put_profiles
-- The profiles as they are now. $1 store.
insert into customer_profiles as c
    (store_id, basis, customer_id, first_day, last_day, orders, days, sales, margin, channel, country, category)
select $1, basis, customer_id, first_day, last_day, orders, days, sales, margin, channel, country, category
from tw_profiles
where first_day is not null
order by basis, customer_id
on conflict (store_id, basis, customer_id) do update set
    first_day = excluded.first_day, last_day = excluded.last_day, orders = excluded.orders, days = excluded.days,
    sales = excluded.sales, margin = excluded.margin,
    channel = excluded.channel, country = excluded.country, category = excluded.category

-- name: drop_profiles
-- Who has no order any more. $1 store.
delete from customer_profiles
where ctid = any(array(
    select c.ctid
    from tw_profiles p
    cross join lateral (
        select c.ctid from customer_profiles c where c.store_id = $1 and c.basis = p.basis and c.customer_id = p.customer_id offset 0
    ) c
    where p.first_day is null and p.was_first is not null
))
