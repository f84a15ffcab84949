-- How the entries of touched orders change the rollups. The rollups are named without their schema: see store.sql.

-- name: sales_deltas
-- The lines of the touched orders as they stand now, to be added ($1 = 1) or taken away ($1 = -1).
insert into tw_deltas
select $1::smallint, e.store_id, e.order_id, e.at, (e.at at time zone s.timezone)::date, e.customer_id, e.channel, e.country, e.sku,
       e.category, e.sold, e.cancelled, e.units_gross, e.units_net, e.sales_gross, e.sales_net, e.discounts, e.refunds
from tw_touched t
join analytics.stores s on s.id = t.store_id
join sale_entries e on e.store_id = t.store_id and e.order_id = t.order_id

-- name: refund_deltas
-- Their refunds as they stand now.
insert into tw_deltas
select $1::smallint, e.store_id, e.order_id, e.at, (e.at at time zone s.timezone)::date, e.customer_id, e.channel, e.country, e.sku,
       e.category, e.sold, e.cancelled, e.units_gross, e.units_net, e.sales_gross, e.sales_net, e.discounts, e.refunds
from tw_touched t
join analytics.stores s on s.id = t.store_id
join refund_entries e on e.store_id = t.store_id and e.order_id = t.order_id

-- name: sold_orders
-- The orders among the entries, once each: what counts as an order, not as a line.
insert into tw_sold
select distinct sign, store_id, order_id, at, day, customer_id, channel, country, cancelled from tw_deltas where sold

-- name: apply_hours
-- Sums of each hour of the store's clock.
insert into rollup_hours as r
    (store_id, bucket, orders_gross, orders_net, units_gross, units_net, sales_gross, sales_net, discounts, refunds)
select store_id, bucket, sum(orders_gross), sum(orders_net), sum(units_gross), sum(units_net), sum(sales_gross), sum(sales_net), sum(discounts), sum(refunds)
from (
    select d.store_id, analytics.hour_start(d.at, s.timezone) as bucket, 0 as orders_gross, 0 as orders_net,
           sign * units_gross as units_gross, sign * units_net as units_net, sign * sales_gross as sales_gross, sign * sales_net as sales_net, sign * discounts as discounts, sign * refunds as refunds
    from tw_deltas d join analytics.stores s on s.id = d.store_id
    union all
    select o.store_id, analytics.hour_start(o.at, s.timezone), sign, case when cancelled then 0 else sign end, 0, 0, 0, 0, 0, 0
    from tw_sold o join analytics.stores s on s.id = o.store_id
) change
group by store_id, bucket
having sum(orders_gross) <> 0 or sum(orders_net) <> 0 or sum(units_gross) <> 0 or sum(units_net) <> 0 or sum(sales_gross) <> 0 or sum(sales_net) <> 0 or sum(discounts) <> 0 or sum(refunds) <> 0
order by store_id, bucket
on conflict (store_id, bucket) do update set
    orders_gross = r.orders_gross + excluded.orders_gross,
    orders_net = r.orders_net + excluded.orders_net,
    units_gross = r.units_gross + excluded.units_gross,
    units_net = r.units_net + excluded.units_net,
    sales_gross = r.sales_gross + excluded.sales_gross,
    sales_net = r.sales_net + excluded.sales_net,
    discounts = r.discounts + excluded.discounts,
    refunds = r.refunds + excluded.refunds

-- name: apply_days
-- Sums of each day: of the store and by channel, country, category and product.
insert into rollup_days as r
    (store_id, dim, day, value, orders_gross, orders_net, units_gross, units_net, sales_gross, sales_net, discounts, refunds)
select store_id, dim, day, value, sum(orders_gross), sum(orders_net), sum(units_gross), sum(units_net), sum(sales_gross), sum(sales_net), sum(discounts), sum(refunds)
from (
    select store_id, day,
           case grouping(channel, country, category, sku)
               when 15 then 'all' when 7 then 'channel' when 11 then 'country' when 13 then 'category' else 'product' end as dim,
           coalesce(channel, country, category, sku, '') as value, 0 as orders_gross, 0 as orders_net,
           sum(sign * units_gross) as units_gross, sum(sign * units_net) as units_net, sum(sign * sales_gross) as sales_gross, sum(sign * sales_net) as sales_net, sum(sign * discounts) as discounts, sum(sign * refunds) as refunds
    from tw_deltas
    group by grouping sets ((store_id, day), (store_id, day, channel), (store_id, day, country), (store_id, day, category), (store_id, day, sku))
    union all
    select store_id, day, case grouping(channel, country) when 3 then 'all' when 1 then 'channel' else 'country' end,
           coalesce(channel, country, ''), sum(sign), sum(case when cancelled then 0 else sign end), 0, 0, 0, 0, 0, 0
    from tw_sold
    group by grouping sets ((store_id, day), (store_id, day, channel), (store_id, day, country))
    union all
    select store_id, day, 'category', category, sum(sign), sum(case when cancelled then 0 else sign end), 0, 0, 0, 0, 0, 0
    from (select distinct sign, store_id, order_id, day, category, cancelled from tw_deltas where sold) orders_of_category
    group by store_id, day, category
    union all
    select store_id, day, 'product', sku, sum(sign), sum(case when cancelled then 0 else sign end), 0, 0, 0, 0, 0, 0
    from (select distinct sign, store_id, order_id, day, sku, cancelled from tw_deltas where sold) orders_of_product
    group by store_id, day, sku
) change
group by store_id, dim, day, value
having sum(orders_gross) <> 0 or sum(orders_net) <> 0 or sum(units_gross) <> 0 or sum(units_net) <> 0 or sum(sales_gross) <> 0 or sum(sales_net) <> 0 or sum(discounts) <> 0 or sum(refunds) <> 0
order by store_id, dim, day, value
on conflict (store_id, dim, day, value) do update set
    orders_gross = r.orders_gross + excluded.orders_gross,
    orders_net = r.orders_net + excluded.orders_net,
    units_gross = r.units_gross + excluded.units_gross,
    units_net = r.units_net + excluded.units_net,
    sales_gross = r.sales_gross + excluded.sales_gross,
    sales_net = r.sales_net + excluded.sales_net,
    discounts = r.discounts + excluded.discounts,
    refunds = r.refunds + excluded.refunds

-- name: apply_customers
-- Orders per customer and period, and from them how many customers each period has.
with moved as (
    select o.store_id, g.grain, g.bucket, o.customer_id,
           sum(o.sign) as gross, sum(case when o.cancelled then 0 else o.sign end) as net
    from tw_sold o
    join analytics.stores s on s.id = o.store_id
    cross join lateral (values
        ('day', o.day), ('week', analytics.week_begin(o.day, s.week_start)), ('month', date_trunc('month', o.day)::date)
    ) as g (grain, bucket)
    where o.customer_id is not null
    group by o.store_id, g.grain, g.bucket, o.customer_id
    having sum(o.sign) <> 0 or sum(case when o.cancelled then 0 else o.sign end) <> 0
), known as (
    select m.store_id, m.grain, m.bucket, m.customer_id, coalesce(p.orders_gross, 0) as was_gross, coalesce(p.orders_net, 0) as was_net,
           coalesce(p.orders_gross, 0) + m.gross as gross, coalesce(p.orders_net, 0) + m.net as net
    from moved m
    left join customer_periods p
        on p.store_id = m.store_id and p.grain = m.grain and p.bucket = m.bucket and p.customer_id = m.customer_id
), kept as (
    insert into customer_periods (store_id, grain, bucket, customer_id, orders_gross, orders_net)
    select store_id, grain, bucket, customer_id, gross, net from known
    on conflict (store_id, grain, bucket, customer_id) do update set
        orders_gross = excluded.orders_gross, orders_net = excluded.orders_net
)
insert into rollup_customers as r (store_id, grain, bucket, customers_gross, customers_net)
select store_id, grain, bucket,
       sum((gross > 0)::integer - (was_gross > 0)::integer), sum((net > 0)::integer - (was_net > 0)::integer)
from known
group by store_id, grain, bucket
having sum((gross > 0)::integer - (was_gross > 0)::integer) <> 0 or sum((net > 0)::integer - (was_net > 0)::integer) <> 0
order by store_id, grain, bucket
on conflict (store_id, grain, bucket) do update set
    customers_gross = r.customers_gross + excluded.customers_gross,
    customers_net = r.customers_net + excluded.customers_net

-- name: apply_first_orders
-- When each touched customer ordered first; new customers are counted in the period that holds this moment.
with touched as (
    select distinct store_id, customer_id from tw_sold where customer_id is not null
), known as (
    select t.store_id, t.customer_id, c.first_gross as was_gross, c.first_net as was_net, g.at as gross, n.at as net
    from touched t
    left join customers c on c.store_id = t.store_id and c.customer_id = t.customer_id
    left join lateral (
        select o.placed_at as at from orders o
        where o.store_id = t.store_id and o.customer_id = t.customer_id and o.is_sale
        order by o.placed_at limit 1
    ) g on true
    left join lateral (
        select o.placed_at as at from orders o
        where o.store_id = t.store_id and o.customer_id = t.customer_id and o.is_sale and o.cancelled_at is null
        order by o.placed_at limit 1
    ) n on true
), kept as (
    insert into customers (store_id, customer_id, first_gross, first_net)
    select store_id, customer_id, gross, net from known
    where gross is distinct from was_gross or net is distinct from was_net
    on conflict (store_id, customer_id) do update set first_gross = excluded.first_gross, first_net = excluded.first_net
), moved as (
    select store_id, was_gross as at, -1 as gross, 0 as net from known where was_gross is distinct from gross
    union all
    select store_id, gross, 1, 0 from known where was_gross is distinct from gross
    union all
    select store_id, was_net, 0, -1 from known where was_net is distinct from net
    union all
    select store_id, net, 0, 1 from known where was_net is distinct from net
), placed as (
    select m.store_id, (m.at at time zone s.timezone)::date as day, s.week_start, m.gross, m.net
    from moved m join analytics.stores s on s.id = m.store_id
    where m.at is not null
)
insert into rollup_customers as r (store_id, grain, bucket, new_gross, new_net)
select p.store_id, g.grain, g.bucket, sum(p.gross), sum(p.net)
from placed p
cross join lateral (values
    ('day', p.day), ('week', analytics.week_begin(p.day, p.week_start)), ('month', date_trunc('month', p.day)::date)
) as g (grain, bucket)
group by p.store_id, g.grain, g.bucket
having sum(p.gross) <> 0 or sum(p.net) <> 0
order by p.store_id, g.grain, g.bucket
on conflict (store_id, grain, bucket) do update set
    new_gross = r.new_gross + excluded.new_gross, new_net = r.new_net + excluded.new_net
