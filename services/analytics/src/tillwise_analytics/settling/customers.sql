-- How customers are settled. The days of a customer before the changes are the days as they are less the changes.

-- name: session
-- What the steps share: each customer's days and profile as they were and as they are, by basis.
create temp table tw_days (
    customer_id text collate "C", basis text collate "C", day date,
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
-- The days of the customers as they were and as they are. $1 store.
insert into tw_days
with changed as (
    select c.customer_id, c.day, sum(c.orders_gross) as orders_gross, sum(c.orders_net) as orders_net,
           sum(c.sales_gross) as sales_gross, sum(c.sales_net) as sales_net, sum(c.margin) as margin
    from tw_settling t
    join customer_changes c on c.store_id = $1 and c.customer_id = t.key
    group by c.customer_id, c.day
), known as (
    select d.customer_id, d.day, d.orders_gross, d.orders_net, d.sales_gross, d.sales_net, d.sales_net - d.uncosted_net - d.cost_net as margin
    from tw_settling t
    cross join lateral (select * from customer_days d where d.store_id = $1 and d.customer_id = t.key offset 0) d
)
select customer_id, b.basis, day, b.now_orders - b.more_orders, b.now_orders, b.now_sales - b.more_sales, b.now_sales,
       coalesce(k.margin, 0) - coalesce(c.margin, 0), coalesce(k.margin, 0)
from known k
left join changed c using (customer_id, day)
cross join lateral (values
    ('gross', coalesce(k.orders_gross, 0), coalesce(c.orders_gross, 0), coalesce(k.sales_gross, 0), coalesce(c.sales_gross, 0)),
    ('net', coalesce(k.orders_net, 0), coalesce(c.orders_net, 0), coalesce(k.sales_net, 0), coalesce(c.sales_net, 0))
) as b (basis, now_orders, more_orders, now_sales, more_sales)

-- name: profiles_before
-- The profiles as they are stored, and what the days say now; no first day: no order. $1 store.
insert into tw_profiles
select n.customer_id, n.basis,
       p.first_day, p.last_day, coalesce(p.orders, 0), coalesce(p.days, 0), coalesce(p.sales, 0), coalesce(p.margin, 0),
       p.channel, p.country, p.category,
       n.first_day, n.last_day, n.orders, n.days, n.sales, n.margin, p.channel, p.country, p.category, false, n.changed_from, n.changed_to
from (
    select customer_id, basis, min(day) filter (where orders > 0) as first_day, max(day) filter (where orders > 0) as last_day,
           sum(orders) as orders, count(*) filter (where orders > 0) as days, sum(sales) as sales, sum(margin) as margin,
           min(day) filter (where (was_orders, was_sales, was_margin) <> (orders, sales, margin)) as changed_from,
           max(day) filter (where (was_orders, was_sales, was_margin) <> (orders, sales, margin)) as changed_to
    from tw_days
    group by customer_id, basis
) n
left join customer_profiles p on p.store_id = $1 and p.basis = n.basis and p.customer_id = n.customer_id

-- name: profiles_now
-- Whose first order must be looked up: who is new, and whose first day was touched. $1 store.
update tw_profiles p
set moved = true
where p.first_day is not null and (
    p.was_first is distinct from p.first_day
    or exists (select from customer_changes c where c.store_id = $1 and c.customer_id = p.customer_id and c.day = p.first_day)
)

-- name: first_orders
-- Channel, country and main category of their first orders. $1 store.
update tw_profiles p
set channel = coalesce(f.channel, ''), country = coalesce(f.country, ''), category = coalesce(f.category, '')
from (
    select m.customer_id, m.basis, o.channel, o.country, g.category
    from tw_profiles m
    cross join lateral (
        select o.order_id, o.channel, o.country
        from orders o
        where o.store_id = $1 and o.customer_id = m.customer_id and o.is_sale and (m.basis = 'gross' or o.cancelled_at is null)
        order by o.placed_at, o.order_id
        limit 1
    ) o
    left join lateral (
        select e.category
        from sale_entries e
        where e.store_id = $1 and e.order_id = o.order_id and e.sold
        group by e.category
        order by sum(e.sales_gross) desc, e.category
        limit 1
    ) g on true
    where m.moved
) f
where p.moved and f.customer_id = p.customer_id and f.basis = p.basis

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
delete from customer_profiles c
using tw_profiles p
where p.first_day is null and p.was_first is not null and c.store_id = $1 and c.basis = p.basis and c.customer_id = p.customer_id
