-- What the trend asks of the database. $n::text of a filter is null when it was not asked for.

-- name: from_days
-- Sums per bucket and group from the daily rollup of one dimension.
-- $1 store, $2 dimension, $3 first day, $4 last day, $5 value or null, $6 granularity, $7 week start, $8 basis, $9 by group?,
-- $10 groups told apart (null: all). Granularity 'all' is one bucket.
select case $6 when 'all' then null when 'week' then analytics.week_begin(day, $7) when 'month' then analytics.month_begin(day) else day end as bucket,
       case when not $9::boolean then '' when $10::text[] is null or value = any($10) then value end as grp,
       sum(case $8 when 'gross' then orders_gross else orders_net end)::bigint as orders,
       sum(case $8 when 'gross' then units_gross else units_net end)::bigint as units,
       sum(case $8 when 'gross' then sales_gross else sales_net end)::bigint as sales,
       0::bigint as customers, 0::bigint as new_customers
from analytics.rollup_days
where store_id = $1 and dim = $2 and day between $3 and $4 and ($5::text is null or value = $5)
group by 1, 2

-- name: from_hours
-- Sums per hour of the store.
-- $1 store, $2 from, $3 until, $4 basis
select bucket, '' as grp,
       case $4 when 'gross' then orders_gross else orders_net end as orders,
       case $4 when 'gross' then units_gross else units_net end as units,
       case $4 when 'gross' then sales_gross else sales_net end as sales,
       0::bigint as customers, 0::bigint as new_customers
from analytics.rollup_hours
where store_id = $1 and bucket >= $2 and bucket < $3

-- name: from_customers
-- Customers per bucket of the store.
-- $1 store, $2 grain, $3 first bucket, $4 last day, $5 basis
select bucket, '' as grp, 0::bigint as orders, 0::bigint as units, 0::bigint as sales,
       case $5 when 'gross' then customers_gross else customers_net end as customers,
       case $5 when 'gross' then new_gross else new_net end as new_customers
from analytics.rollup_customers
where store_id = $1 and grain = $2 and bucket between $3 and $4

-- name: product_totals
-- Sums of each product over a period: whole weeks from the weekly rollup, the days around them from the daily one.
-- $1 store, $2 first day, $3 last day, $4 first whole week, $5 last whole week, $6 basis, $7 sku or null.
select null::date as bucket, grp, sum(orders)::bigint as orders, sum(units)::bigint as units, sum(sales)::bigint as sales,
       0::bigint as customers, 0::bigint as new_customers
from (
    select sku as grp, case $6 when 'gross' then orders_gross else orders_net end as orders,
           case $6 when 'gross' then units_gross else units_net end as units, case $6 when 'gross' then sales_gross else sales_net end as sales
    from analytics.product_weeks
    where store_id = $1 and week between $4 and $5 and ($7::text is null or sku = $7)
    union all
    select value, case $6 when 'gross' then orders_gross else orders_net end,
           case $6 when 'gross' then units_gross else units_net end, case $6 when 'gross' then sales_gross else sales_net end
    from analytics.rollup_days
    where store_id = $1 and dim = 'product' and ($7::text is null or value = $7)
      and (day between $2 and least($4 - 1, $3) or day between greatest($5 + 7, $2) and $3)
) parts
group by grp

-- name: from_facts
-- Sums per bucket and group from the entries themselves: for every question that no rollup answers.
-- $1 store, $2 from, $3 until, $4 timezone, $5 granularity, $6 week start, $7 basis, $8 by or null, $9 groups told apart
-- (null: all), $10 channel, $11 country, $12 category, $13 sku, $14 count orders? Granularity 'all' is one bucket.
-- Where orders are not counted, they are 1 or 0: telling orders apart costs more than all the rest.
with entries as (
    select order_id, at, channel, country, category, sku, sold, cancelled, units_gross, units_net, sales_gross, sales_net
    from analytics.sale_lines where store_id = $1 and at >= $2 and at < $3
    union all
    select order_id, at, channel, country, category, sku, sold, cancelled, units_gross, units_net, sales_gross, sales_net
    from analytics.refund_entries where store_id = $1 and at >= $2 and at < $3
), chosen as (
    select e.*, e.sold and ($7 = 'gross' or not e.cancelled) as counts,
           case $8 when 'channel' then channel when 'country' then country when 'category' then category when 'product' then sku else '' end as own
    from entries e
    where ($10::text is null or channel = $10) and ($11::text is null or country = $11)
      and ($12::text is null or category = $12) and ($13::text is null or sku = $13)
), of_orders as (
    select case when $5 = 'hour' then analytics.hour_start(c.at, $4) end as hour,
           case $5 when 'hour' then null when 'all' then null when 'week' then analytics.week_begin((c.at at time zone $4)::date, $6)
                   when 'month' then analytics.month_begin((c.at at time zone $4)::date) else (c.at at time zone $4)::date end as bucket,
           case when $9::text[] is null or c.own = any($9) then c.own end as grp,
           case when $14 then c.order_id end as order_id, bool_or(c.counts) as counts,
           sum(case $7 when 'gross' then c.units_gross else c.units_net end) as units,
           sum(case $7 when 'gross' then c.sales_gross else c.sales_net end) as sales
    from chosen c
    group by 1, 2, 3, 4
)
select hour, bucket, grp, count(*) filter (where counts) as orders, sum(units)::bigint as units, sum(sales)::bigint as sales,
       0::bigint as customers, 0::bigint as new_customers
from of_orders
group by 1, 2, 3

-- name: from_lines
-- Different customers per bucket and group, where the lines of orders decide: by or filters on category and product.
-- $1 store, $2 from, $3 until, $4 timezone, $5 granularity, $6 week start, $7 basis, $8 by or null, $9 groups told apart
-- (null: all), $10 channel, $11 country, $12 category, $13 sku, $14 new customers only?, $15 the rest as group null?
-- Told apart first and counted then: count(distinct) would sort all lines.
with chosen as (
    select s.at, s.customer_id,
           case $8 when 'channel' then channel when 'country' then country when 'category' then category when 'product' then sku else '' end as own
    from analytics.sale_lines s
    where s.store_id = $1 and s.at >= $2 and s.at < $3 and s.sold and ($7 = 'gross' or not s.cancelled) and s.customer_id is not null
      and ($10::text is null or channel = $10) and ($11::text is null or country = $11)
      and ($12::text is null or category = $12) and ($13::text is null or sku = $13)
), seen as (
    select distinct
           case when $5 = 'hour' then analytics.hour_start(c.at, $4) end as hour,
           case $5 when 'hour' then null when 'all' then null when 'week' then analytics.week_begin((c.at at time zone $4)::date, $6)
                   when 'month' then analytics.month_begin((c.at at time zone $4)::date) else (c.at at time zone $4)::date end as bucket,
           case when $9::text[] is null or c.own = any($9) then c.own end as grp, c.customer_id
    from chosen c
    left join analytics.customers f on $14 and f.store_id = $1 and f.customer_id = c.customer_id
    where (not $14 or c.at = case $7 when 'gross' then f.first_gross else f.first_net end)
      and ($15 or $9::text[] is null or c.own = any($9))
)
select hour, bucket, grp, 0::bigint as orders, 0::bigint as units, 0::bigint as sales,
       case when $14 then 0 else count(*) end as customers, case when $14 then count(*) else 0 end as new_customers
from seen
group by 1, 2, 3

-- name: of_others
-- Orders and customers per bucket of the categories or products that are not told apart: of orders that hold any of them.
-- $1 store, $2 from, $3 until, $4 timezone, $5 granularity, $6 week start, $7 basis, $8 by, $9 groups told apart,
-- $10 channel, $11 country, $12 category, $13 sku, $14 new customers only?
-- "limit 1" looks at an order's lines until one is found, mostly the first, instead of reading all lines of the store.
with holding as (
    select case when $5 = 'hour' then analytics.hour_start(o.placed_at, $4) end as hour,
           case $5 when 'hour' then null when 'all' then null when 'week' then analytics.week_begin((o.placed_at at time zone $4)::date, $6)
                   when 'month' then analytics.month_begin((o.placed_at at time zone $4)::date) else (o.placed_at at time zone $4)::date end as bucket,
           o.customer_id, count(*) as orders
    from analytics.orders o
    left join analytics.customers f on $14 and f.store_id = $1 and f.customer_id = o.customer_id
    where o.store_id = $1 and o.placed_at >= $2 and o.placed_at < $3 and o.is_sale and ($7 = 'gross' or o.cancelled_at is null)
      and ($10::text is null or coalesce(o.channel, '') = $10) and ($11::text is null or coalesce(o.country, '') = $11)
      and (not $14 or o.placed_at = case $7 when 'gross' then f.first_gross else f.first_net end)
      and (
          select true
          from analytics.event_lines l
          left join analytics.products p on l.category is null and p.store_id = l.store_id and p.sku = l.sku
          where l.store_id = o.store_id and l.event_id = o.event_id and l.quantity > 0
            and case $8 when 'category' then coalesce(l.category, p.category, '') else l.sku end <> all($9::text[])
            and ($12::text is null or coalesce(l.category, p.category, '') = $12) and ($13::text is null or l.sku = $13)
          limit 1
      )
    group by 1, 2, 3
)
select hour, bucket, null::text as grp, sum(orders)::bigint as orders, 0::bigint as units, 0::bigint as sales,
       case when $14 then 0 else count(customer_id) end as customers, case when $14 then count(customer_id) else 0 end as new_customers
from holding
group by 1, 2

-- name: from_orders
-- Orders and customers per bucket and group, where no line has to be looked at: by and filters on channel and country.
-- $1 store, $2 from, $3 until, $4 timezone, $5 granularity, $6 week start, $7 basis, $8 by or null, $9 groups told apart
-- (null: all), $10 channel, $11 country.
select case when $5 = 'hour' then analytics.hour_start(o.placed_at, $4) end as hour,
       case $5 when 'hour' then null when 'all' then null when 'week' then analytics.week_begin((o.placed_at at time zone $4)::date, $6)
               when 'month' then analytics.month_begin((o.placed_at at time zone $4)::date) else (o.placed_at at time zone $4)::date end as bucket,
       case when $9::text[] is null or g.own = any($9) then g.own end as grp,
       count(*) as orders, 0::bigint as units, 0::bigint as sales,
       count(distinct o.customer_id) as customers,
       count(distinct o.customer_id) filter (where o.placed_at = case $7 when 'gross' then f.first_gross else f.first_net end) as new_customers
from analytics.orders o
cross join lateral (
    select case $8 when 'channel' then coalesce(o.channel, '') when 'country' then coalesce(o.country, '') else '' end as own
) g
left join analytics.customers f on f.store_id = $1 and f.customer_id = o.customer_id
where o.store_id = $1 and o.placed_at >= $2 and o.placed_at < $3 and o.is_sale and ($7 = 'gross' or o.cancelled_at is null)
  and ($10::text is null or coalesce(o.channel, '') = $10) and ($11::text is null or coalesce(o.country, '') = $11)
group by 1, 2, 3

-- name: distinct_customers
-- How many different customers ordered in a period.
-- $1 store, $2 from, $3 until, $4 basis
select count(distinct customer_id)
from analytics.orders
where store_id = $1 and placed_at >= $2 and placed_at < $3 and is_sale and ($4 = 'gross' or cancelled_at is null)

-- name: first_order
-- The hour in which the store's first order was placed.
select min(bucket) from analytics.rollup_hours where store_id = $1 and orders_gross > 0

-- name: span
-- From when to when the store has sales.
select min(day) as first, max(day) as last from analytics.rollup_days where store_id = $1 and dim = 'all'

-- name: product_names
-- What products are called.
select sku, coalesce(name, seen_name) as name from analytics.products where store_id = $1 and sku = any($2)
