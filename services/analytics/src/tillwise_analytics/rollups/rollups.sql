-- How the entries of touched orders change the rollups. The rollups are named without their schema: see store.sql.
-- "offset 0" makes the planner look touched orders up one by one: how many there are is unknown to it (a temporary
-- table has no statistics), and the other way would read all orders for the sake of one.

-- name: new_deltas
-- The lines of the orders in tw_new, as they came: what sale_entries says of them, without looking them up again. What is to be
-- known of a product is looked up once.
with products_asked as materialized (
    select k.store_id, k.sku, p.category, c.costs, c.unit_cost
    from (select distinct store_id, sku from tw_lines where category is null or unit_cost is null) k
    left join lateral (select p.category from products p where p.store_id = k.store_id and p.sku = k.sku offset 0) p on true
    cross join lateral (
        select count(*) as costs, min(c.unit_cost) as unit_cost from product_costs c where c.store_id = k.store_id and c.sku = k.sku
    ) c
)
insert into tw_deltas
select 1, n.store_id, n.order_id, n.at, n.hour, n.day, n.customer_id, n.channel, n.country, l.sku, coalesce(l.category, a.category, ''),
       l.quantity > 0, false,
       l.first_of_order::integer, l.first_of_order::integer, l.first_of_sku::integer, l.first_of_sku::integer,
       greatest(l.quantity, 0), l.quantity, greatest(l.quantity, 0) * l.unit_price, l.quantity * l.unit_price - l.discount, l.discount,
       greatest(-l.quantity, 0) * l.unit_price,
       greatest(l.quantity, 0) * coalesce(c.unit_cost, 0), l.quantity * coalesce(c.unit_cost, 0),
       case when c.unit_cost is null then l.quantity * l.unit_price - l.discount else 0 end, 0
from tw_new n
join tw_lines l on l.store_id = n.store_id and l.event_id = n.event_id
left join products_asked a on a.store_id = l.store_id and a.sku = l.sku
left join lateral (
    -- As last stated when the order was placed, which matters where it was stated more than once.
    select c.unit_cost from product_costs c
    where l.unit_cost is null and a.costs > 1 and c.store_id = n.store_id and c.sku = l.sku and c.valid_from <= n.at
    order by c.valid_from desc, c.event_id desc limit 1
) b on true
left join lateral (
    -- As first stated.
    select c.unit_cost from product_costs c
    where l.unit_cost is null and a.costs > 1 and b.unit_cost is null and c.store_id = n.store_id and c.sku = l.sku
    order by c.valid_from, c.event_id limit 1
) f on true
cross join lateral (
    select coalesce(l.unit_cost, case when a.costs = 1 then a.unit_cost end, b.unit_cost, f.unit_cost) as unit_cost
) c

-- name: sales_deltas
-- The lines of the touched orders as they stand now, to be added ($1 = 1) or taken away ($1 = -1).
insert into tw_deltas
select $1::bigint, e.store_id, e.order_id, e.at, date_trunc('hour', e.at, t.timezone), (e.at at time zone t.timezone)::date,
       e.customer_id, e.channel, e.country, e.sku, e.category, e.sold, e.cancelled,
       case when e.first_of_order then $1 else 0 end, case when e.first_of_order and not e.cancelled then $1 else 0 end,
       case when e.first_of_sku then $1 else 0 end, case when e.first_of_sku and not e.cancelled then $1 else 0 end,
       $1 * e.units_gross, $1 * e.units_net, $1 * e.sales_gross, $1 * e.sales_net, $1 * e.discounts, $1 * e.refunds,
       $1 * e.cost_gross, $1 * e.cost_net, $1 * e.uncosted_net, $1 * e.units_cancelled
from (select t.store_id, t.order_id, s.timezone from tw_touched t join analytics.stores s on s.id = t.store_id offset 0) t
cross join lateral (
    select e.*, e.sold and row_number() over (partition by e.sold) = 1 as first_of_order,
           e.sold and row_number() over (partition by e.sold, e.sku) = 1 as first_of_sku
    from sale_entries e where e.store_id = t.store_id and e.order_id = t.order_id offset 0
) e

-- name: refund_deltas
-- Their refunds as they stand now.
insert into tw_deltas
select $1::bigint, e.store_id, e.order_id, e.at, date_trunc('hour', e.at, t.timezone), (e.at at time zone t.timezone)::date,
       e.customer_id, e.channel, e.country, e.sku, e.category, e.sold, e.cancelled, 0, 0, 0, 0,
       $1 * e.units_gross, $1 * e.units_net, $1 * e.sales_gross, $1 * e.sales_net, $1 * e.discounts, $1 * e.refunds,
       $1 * e.cost_gross, $1 * e.cost_net, $1 * e.uncosted_net, 0
from (select t.store_id, t.order_id, s.timezone from tw_touched t join analytics.stores s on s.id = t.store_id offset 0) t
cross join lateral (select * from refund_entries e where e.store_id = t.store_id and e.order_id = t.order_id offset 0) e

-- name: apply_hours
-- Sums of each hour of the store's clock.
insert into rollup_hours as r
    (store_id, bucket, orders_gross, orders_net, units_gross, units_net, sales_gross, sales_net, discounts, refunds)
select *
from (
    select store_id, hour, analytics.total(orders_gross) as orders_gross, analytics.total(orders_net) as orders_net, analytics.total(units_gross) as units_gross, analytics.total(units_net) as units_net, analytics.total(sales_gross) as sales_gross, analytics.total(sales_net) as sales_net, analytics.total(discounts) as discounts, analytics.total(refunds) as refunds
    from tw_deltas
    group by store_id, hour
) change
where (orders_gross | orders_net | units_gross | units_net | sales_gross | sales_net | discounts | refunds) <> 0
order by store_id, hour
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
-- Sums of each day: of the store and by channel, country, category and product; and of each product's weeks, which are its
-- days added up, since an order lies on one day.
with few as (
    -- Without the products there is little left to sum by channel, country and category.
    select store_id, day, channel, country, category,
           analytics.total(orders_gross) as orders_gross, analytics.total(orders_net) as orders_net, analytics.total(units_gross) as units_gross, analytics.total(units_net) as units_net, analytics.total(sales_gross) as sales_gross, analytics.total(sales_net) as sales_net, analytics.total(discounts) as discounts, analytics.total(refunds) as refunds, analytics.total(cost_gross) as cost_gross, analytics.total(cost_net) as cost_net, analytics.total(uncosted_net) as uncosted_net, analytics.total(units_cancelled) as units_cancelled
    from tw_deltas
    group by store_id, day, channel, country, category
), grouped as (
    select store_id,
           case grouping(channel, country, category) when 7 then 'all' when 3 then 'channel' when 5 then 'country' else 'category' end as dim,
           day, coalesce(channel, country, category, '') as value,
           -- An order counts in each category that it has a line of.
           case when grouping(category) = 0 then 0 else analytics.total(orders_gross) end as orders_gross,
           case when grouping(category) = 0 then 0 else analytics.total(orders_net) end as orders_net,
           analytics.total(units_gross) as units_gross, analytics.total(units_net) as units_net, analytics.total(sales_gross) as sales_gross, analytics.total(sales_net) as sales_net, analytics.total(discounts) as discounts, analytics.total(refunds) as refunds, analytics.total(cost_gross) as cost_gross, analytics.total(cost_net) as cost_net, analytics.total(uncosted_net) as uncosted_net, analytics.total(units_cancelled) as units_cancelled
    from few
    group by grouping sets ((store_id, day), (store_id, day, channel), (store_id, day, country), (store_id, day, category))
    union all
    select store_id, 'category', day, category, analytics.total(sign), analytics.total(case when cancelled then 0 else sign end), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from (select distinct sign, store_id, order_id, day, category, cancelled from tw_deltas where sold) orders_of_category
    group by store_id, day, category
), change as (
    select store_id, dim, day, value, analytics.total(orders_gross) as orders_gross, analytics.total(orders_net) as orders_net, analytics.total(units_gross) as units_gross, analytics.total(units_net) as units_net, analytics.total(sales_gross) as sales_gross, analytics.total(sales_net) as sales_net, analytics.total(discounts) as discounts, analytics.total(refunds) as refunds, analytics.total(cost_gross) as cost_gross, analytics.total(cost_net) as cost_net, analytics.total(uncosted_net) as uncosted_net, analytics.total(units_cancelled) as units_cancelled
    from grouped
    group by store_id, dim, day, value
    union all
    select store_id, 'product', day, sku, analytics.total(sku_orders_gross), analytics.total(sku_orders_net),
           analytics.total(units_gross), analytics.total(units_net), analytics.total(sales_gross), analytics.total(sales_net), analytics.total(discounts), analytics.total(refunds), analytics.total(cost_gross), analytics.total(cost_net), analytics.total(uncosted_net), analytics.total(units_cancelled)
    from tw_deltas
    group by store_id, day, sku
), days as (
    insert into rollup_days as r
        (store_id, dim, day, value, orders_gross, orders_net, units_gross, units_net, sales_gross, sales_net, discounts, refunds, cost_gross, cost_net, uncosted_net, units_cancelled)
    select *
    from change
    where (orders_gross | orders_net | units_gross | units_net | sales_gross | sales_net | discounts | refunds | cost_gross | cost_net | uncosted_net | units_cancelled) <> 0
    order by store_id, dim, day, value
    on conflict (store_id, dim, day, value) do update set
        orders_gross = r.orders_gross + excluded.orders_gross,
        orders_net = r.orders_net + excluded.orders_net,
        units_gross = r.units_gross + excluded.units_gross,
        units_net = r.units_net + excluded.units_net,
        sales_gross = r.sales_gross + excluded.sales_gross,
        sales_net = r.sales_net + excluded.sales_net,
        discounts = r.discounts + excluded.discounts,
        refunds = r.refunds + excluded.refunds,
        cost_gross = r.cost_gross + excluded.cost_gross,
        cost_net = r.cost_net + excluded.cost_net,
        uncosted_net = r.uncosted_net + excluded.uncosted_net,
    units_cancelled = r.units_cancelled + excluded.units_cancelled
)
insert into product_weeks as r
    (store_id, week, sku, orders_gross, orders_net, units_gross, units_net, sales_gross, sales_net, discounts, refunds, cost_gross, cost_net, uncosted_net, units_cancelled)
select store_id, week, value, analytics.total(orders_gross) as orders_gross, analytics.total(orders_net) as orders_net, analytics.total(units_gross) as units_gross, analytics.total(units_net) as units_net, analytics.total(sales_gross) as sales_gross, analytics.total(sales_net) as sales_net, analytics.total(discounts) as discounts, analytics.total(refunds) as refunds, analytics.total(cost_gross) as cost_gross, analytics.total(cost_net) as cost_net, analytics.total(uncosted_net) as uncosted_net, analytics.total(units_cancelled) as units_cancelled
from (select c.*, analytics.week_begin(c.day, s.week_start) as week from change c join analytics.stores s on s.id = c.store_id where c.dim = 'product') days
group by store_id, week, value
order by store_id, week, value
on conflict (store_id, week, sku) do update set
    orders_gross = r.orders_gross + excluded.orders_gross,
    orders_net = r.orders_net + excluded.orders_net,
    units_gross = r.units_gross + excluded.units_gross,
    units_net = r.units_net + excluded.units_net,
    sales_gross = r.sales_gross + excluded.sales_gross,
    sales_net = r.sales_net + excluded.sales_net,
    discounts = r.discounts + excluded.discounts,
    refunds = r.refunds + excluded.refunds,
    cost_gross = r.cost_gross + excluded.cost_gross,
    cost_net = r.cost_net + excluded.cost_net,
    uncosted_net = r.uncosted_net + excluded.uncosted_net,
    units_cancelled = r.units_cancelled + excluded.units_cancelled

-- name: apply_spans
-- When each touched product was ordered first and last. Only where something was taken away must its days be searched.
with touched as (
    select store_id, sku, bool_or(sign < 0) as shrunk,
           min(day) filter (where sign > 0) as first_gross, max(day) filter (where sign > 0) as last_gross,
           min(day) filter (where sign > 0 and not cancelled) as first_net, max(day) filter (where sign > 0 and not cancelled) as last_net
    from tw_deltas
    where sku_orders_gross <> 0
    group by store_id, sku
)
insert into product_spans (store_id, sku, first_gross, last_gross, first_net, last_net)
select n.store_id, n.sku, n.first_gross, n.last_gross, n.first_net, n.last_net
from (
    select t.store_id, t.sku, s.first_gross as was_first_gross, s.last_gross as was_last_gross, s.first_net as was_first_net, s.last_net as was_last_net,
           case when not t.shrunk then least(s.first_gross, t.first_gross) else (
               select d.day from rollup_days d
               where d.store_id = t.store_id and d.dim = 'product' and d.value = t.sku and d.orders_gross > 0 order by d.day limit 1
           ) end as first_gross,
           case when not t.shrunk then greatest(s.last_gross, t.last_gross) else (
               select d.day from rollup_days d
               where d.store_id = t.store_id and d.dim = 'product' and d.value = t.sku and d.orders_gross > 0 order by d.day desc limit 1
           ) end as last_gross,
           case when not t.shrunk then least(s.first_net, t.first_net) else (
               select d.day from rollup_days d
               where d.store_id = t.store_id and d.dim = 'product' and d.value = t.sku and d.orders_net > 0 order by d.day limit 1
           ) end as first_net,
           case when not t.shrunk then greatest(s.last_net, t.last_net) else (
               select d.day from rollup_days d
               where d.store_id = t.store_id and d.dim = 'product' and d.value = t.sku and d.orders_net > 0 order by d.day desc limit 1
           ) end as last_net
    from touched t
    left join product_spans s on s.store_id = t.store_id and s.sku = t.sku
) n
-- Not in the conflict's condition: a row that need not change would be locked, which is a write too.
where (n.was_first_gross, n.was_last_gross, n.was_first_net, n.was_last_net) is distinct from (n.first_gross, n.last_gross, n.first_net, n.last_net)
order by n.store_id, n.sku
on conflict (store_id, sku) do update set
    first_gross = excluded.first_gross, last_gross = excluded.last_gross, first_net = excluded.first_net, last_net = excluded.last_net

-- name: apply_customers
-- Orders and money per customer and day, and from the orders how many customers each day, week and month has. A customer counts in
-- a period from the first order in it to the last one taken away, so the days around the touched ones matter too;
-- a customer whose days neither begin nor end changes nothing. All parts see the days as they were before.
-- (Nothing here joins what was computed with what was computed: the planner guesses its size, and guesses badly.)
with touched as (
    select store_id, customer_id, day, analytics.total(orders_gross) as gross, analytics.total(orders_net) as net,
           analytics.total(sales_gross) as sales_gross, analytics.total(sales_net) as sales_net, analytics.total(cost_gross) as cost_gross,
           analytics.total(cost_net) as cost_net, analytics.total(uncosted_net) as uncosted_net
    from tw_deltas
    where customer_id is not null
    group by store_id, customer_id, day
), noted as (
    -- Also what adds up to nothing: the customer's first order may say something else now.
    insert into customer_changes (store_id, customer_id, day, orders_gross, orders_net, sales_gross, sales_net, margin)
    select store_id, customer_id, day, gross, net, sales_gross, sales_net, sales_net - uncosted_net - cost_net from touched
), moved as (
    select * from touched
    where (gross | net | sales_gross | sales_net | cost_gross | cost_net | uncosted_net) <> 0
), known as (
    select m.store_id, m.customer_id, m.day, c.store_id is not null as there,
           coalesce(c.orders_gross, 0) + m.gross as orders_gross, coalesce(c.orders_net, 0) + m.net as orders_net,
           (coalesce(c.orders_gross, 0) > 0)::integer as was_gross, (coalesce(c.orders_gross, 0) + m.gross > 0)::integer as gross,
           (coalesce(c.orders_net, 0) > 0)::integer as was_net, (coalesce(c.orders_net, 0) + m.net > 0)::integer as net,
           coalesce(c.sales_gross, 0) + m.sales_gross as sales_gross, coalesce(c.sales_net, 0) + m.sales_net as sales_net,
           coalesce(c.cost_gross, 0) + m.cost_gross as cost_gross, coalesce(c.cost_net, 0) + m.cost_net as cost_net,
           coalesce(c.uncosted_net, 0) + m.uncosted_net as uncosted_net
    from moved m
    left join lateral (
        select * from customer_days c where c.store_id = m.store_id and c.customer_id = m.customer_id and c.day = m.day offset 0
    ) c on true
), begun as (
    -- Most are new, and an insert that need not look for conflicts takes half the time.
    insert into customer_days
        (store_id, customer_id, day, orders_gross, orders_net, sales_gross, sales_net, cost_gross, cost_net, uncosted_net)
    select store_id, customer_id, day, orders_gross, orders_net, sales_gross, sales_net, cost_gross, cost_net, uncosted_net
    from known
    where not there
), kept as (
    insert into customer_days
        (store_id, customer_id, day, orders_gross, orders_net, sales_gross, sales_net, cost_gross, cost_net, uncosted_net)
    select store_id, customer_id, day, orders_gross, orders_net, sales_gross, sales_net, cost_gross, cost_net, uncosted_net
    from known
    where there
    on conflict (store_id, customer_id, day) do update set
        orders_gross = excluded.orders_gross, orders_net = excluded.orders_net, sales_gross = excluded.sales_gross,
        sales_net = excluded.sales_net, cost_gross = excluded.cost_gross, cost_net = excluded.cost_net, uncosted_net = excluded.uncosted_net
), turned as (
    select * from known where gross <> was_gross or net <> was_net
), spans as (
    select t.store_id, t.customer_id, min(t.day) as lowest, max(t.day) as highest, min(s.week_start) as week_start
    from turned t join analytics.stores s on s.id = t.store_id
    group by t.store_id, t.customer_id
), days as (
    -- The customer's days around the touched ones as they were, and by how much the touched ones changed.
    select a.store_id, a.customer_id, a.week_start, c.day, c.gross as was_gross, c.gross, c.net as was_net, c.net
    from spans a
    cross join lateral (
        select c.day, (c.orders_gross > 0)::integer as gross, (c.orders_net > 0)::integer as net
        from customer_days c
        where c.store_id = a.store_id and c.customer_id = a.customer_id
          and c.day between least(analytics.week_begin(a.lowest, a.week_start), analytics.month_begin(a.lowest))
                        and greatest(analytics.week_begin(a.highest, a.week_start) + 6, analytics.month_begin(a.highest) + 30)
    ) c
    union all
    select t.store_id, t.customer_id, s.week_start, t.day, 0, t.gross - t.was_gross, 0, t.net - t.was_net
    from turned t join analytics.stores s on s.id = t.store_id
), turns as (
    select store_id, 'day' as grain, day as bucket, gross - was_gross as gross, net - was_net as net from turned
    union all
    select store_id, 'week', analytics.week_begin(day, week_start),
           (sum(gross) > 0)::integer - (sum(was_gross) > 0)::integer, (sum(net) > 0)::integer - (sum(was_net) > 0)::integer
    from days
    group by store_id, customer_id, analytics.week_begin(day, week_start)
    union all
    select store_id, 'month', analytics.month_begin(day),
           (sum(gross) > 0)::integer - (sum(was_gross) > 0)::integer, (sum(net) > 0)::integer - (sum(was_net) > 0)::integer
    from days
    group by store_id, customer_id, analytics.month_begin(day)
)
insert into rollup_customers as r (store_id, grain, bucket, customers_gross, customers_net)
select store_id, grain, bucket, sum(gross), sum(net)
from turns
group by store_id, grain, bucket
having sum(gross) <> 0 or sum(net) <> 0
order by store_id, grain, bucket
on conflict (store_id, grain, bucket) do update set
    customers_gross = r.customers_gross + excluded.customers_gross,
    customers_net = r.customers_net + excluded.customers_net

-- name: apply_first_orders
-- When each touched customer ordered first; new customers are counted in the period that holds this moment.
-- Only where something was taken away must the orders be searched for what is first now.
with touched as (
    select store_id, customer_id, bool_or(sign < 0) as shrunk,
           min(at) filter (where sign > 0) as gross, min(at) filter (where sign > 0 and not cancelled) as net
    from tw_deltas
    where orders_gross <> 0 and customer_id is not null
    group by store_id, customer_id
), known as (
    select t.store_id, t.customer_id, c.store_id is not null as there, c.first_gross as was_gross, c.first_net as was_net,
           case when not t.shrunk then least(c.first_gross, t.gross) else (
               select o.placed_at from orders o
               where o.store_id = t.store_id and o.customer_id = t.customer_id and o.is_sale
               order by o.placed_at limit 1
           ) end as gross,
           case when not t.shrunk then least(c.first_net, t.net) else (
               select o.placed_at from orders o
               where o.store_id = t.store_id and o.customer_id = t.customer_id and o.is_sale and o.cancelled_at is null
               order by o.placed_at limit 1
           ) end as net
    from touched t
    left join lateral (select * from customers c where c.store_id = t.store_id and c.customer_id = t.customer_id offset 0) c on true
), begun as (
    insert into customers (store_id, customer_id, first_gross, first_net)
    select store_id, customer_id, gross, net from known where not there and coalesce(gross, net) is not null
), kept as (
    insert into customers (store_id, customer_id, first_gross, first_net)
    select store_id, customer_id, gross, net from known
    where there and (gross is distinct from was_gross or net is distinct from was_net)
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
    -- Added up by day first: a batch has many customers and few days.
    select m.store_id, (m.at at time zone s.timezone)::date as day, s.week_start, sum(m.gross) as gross, sum(m.net) as net
    from moved m join analytics.stores s on s.id = m.store_id
    where m.at is not null
    group by 1, 2, 3
)
insert into rollup_customers as r (store_id, grain, bucket, new_gross, new_net)
select p.store_id, g.grain, g.bucket, sum(p.gross), sum(p.net)
from placed p
cross join lateral (values
    ('day', p.day), ('week', analytics.week_begin(p.day, p.week_start)), ('month', analytics.month_begin(p.day))
) as g (grain, bucket)
group by p.store_id, g.grain, g.bucket
having sum(p.gross) <> 0 or sum(p.net) <> 0
order by p.store_id, g.grain, g.bucket
on conflict (store_id, grain, bucket) do update set
    new_gross = r.new_gross + excluded.new_gross, new_net = r.new_net + excluded.new_net
