-- How the sums over customers follow when customers are settled: their share as it was is taken away, and added as it is now.
-- What tw_days and tw_profiles hold: customers.sql. What counts where: migrations/0014_cohorts.sql.

-- name: week_start
-- The store's first day of the week.
select week_start from analytics.stores where id = $1

-- name: cells
-- Cohorts per week and month, of the store and by channel, country and category. $1 store, $2 week start.
with buckets as (
    -- Customers' weeks and months in which something is not as it was; all of them of who is in another cohort or group now.
    -- (A week or month that holds a changed day begins and ends within 30 days of it.)
    select p.basis, g.grain, g.bucket,
           p.was_first, p.was_channel, p.was_country, p.was_category, p.first_day, p.channel, p.country, p.category,
           sum(d.was_orders) filter (where d.day >= p.was_first)::bigint as was_orders,
           sum(d.orders) filter (where d.day >= p.first_day)::bigint as orders,
           sum(d.was_sales) filter (where d.day >= p.was_first)::bigint as was_sales,
           sum(d.sales) filter (where d.day >= p.first_day)::bigint as sales,
           sum(d.was_margin) filter (where d.day >= p.was_first)::bigint as was_margin,
           sum(d.margin) filter (where d.day >= p.first_day)::bigint as margin
    from tw_days d
    join tw_profiles p on p.customer_id = d.customer_id and p.basis = d.basis
    cross join lateral (values ('week', analytics.week_begin(d.day, $2)), ('month', analytics.month_begin(d.day))) as g (grain, bucket)
    where (p.was_first, p.was_channel, p.was_country, p.was_category) is distinct from (p.first_day, p.channel, p.country, p.category)
       or d.day between p.changed_from - 30 and p.changed_to + 30
    group by p.customer_id, p.basis, g.grain, g.bucket
    having (p.was_first, p.was_channel, p.was_country, p.was_category) is distinct from (p.first_day, p.channel, p.country, p.category)
        or bool_or((d.was_orders, d.was_sales, d.was_margin) <> (d.orders, d.sales, d.margin))
), shares as (
    select basis, grain, bucket, was_first as first_day, was_channel as channel, was_country as country, was_category as category,
           -(was_orders > 0)::integer as customers, 0 as lasts, -was_orders as orders, -was_sales as sales, -was_margin as margin
    from buckets
    where was_orders is not null
    union all
    select basis, grain, bucket, first_day, channel, country, category, (orders > 0)::integer, 0, orders, sales, margin
    from buckets
    where orders is not null
    union all
    select p.basis, g.grain, g.bucket, p.was_first, p.was_channel, p.was_country, p.was_category, 0, -1, 0, 0, 0
    from tw_profiles p
    cross join lateral (values ('week', analytics.week_begin(p.was_last, $2)), ('month', analytics.month_begin(p.was_last))) as g (grain, bucket)
    where p.was_last is not null
    union all
    select p.basis, g.grain, g.bucket, p.first_day, p.channel, p.country, p.category, 0, 1, 0, 0, 0
    from tw_profiles p
    cross join lateral (values ('week', analytics.week_begin(p.last_day, $2)), ('month', analytics.month_begin(p.last_day))) as g (grain, bucket)
    where p.last_day is not null
), change as (
    select basis, grain,
           case grouping(channel, country, category) when 7 then 'all' when 3 then 'channel' when 5 then 'country' else 'category' end as dim,
           cohort, coalesce(channel, country, category, '') as value, bucket,
           sum(customers) as customers, sum(lasts) as lasts, sum(orders) as orders, sum(sales) as sales, sum(margin) as margin
    from (
        select *, case grain when 'week' then analytics.week_begin(first_day, $2) else analytics.month_begin(first_day) end as cohort
        from shares
    ) s
    group by grouping sets ((basis, grain, cohort, bucket), (basis, grain, cohort, bucket, channel), (basis, grain, cohort, bucket, country),
                            (basis, grain, cohort, bucket, category))
    having sum(customers) <> 0 or sum(lasts) <> 0 or sum(orders) <> 0 or sum(sales) <> 0 or sum(margin) <> 0
)
insert into cohort_cells as c (store_id, basis, grain, dim, cohort, value, bucket, customers, lasts, orders, sales, margin)
select $1, basis, grain, dim, cohort, value, bucket, customers, lasts, orders, sales, margin
from change
order by basis, grain, dim, cohort, value, bucket
on conflict (store_id, basis, grain, dim, cohort, value, bucket) do update set
    customers = c.customers + excluded.customers, lasts = c.lasts + excluded.lasts, orders = c.orders + excluded.orders,
    sales = c.sales + excluded.sales, margin = c.margin + excluded.margin

-- name: gaps
-- Days between a customer's days with an order and the next ones. $1 store.
with shifted as (
    -- Each day with an order, and how long ago the one before was: as it was and as it is.
    select d.customer_id, d.basis, d.day, d.was_orders, d.orders,
           d.day - max(d.day) filter (where d.was_orders > 0) over earlier as was_gap,
           d.day - max(d.day) filter (where d.orders > 0) over earlier as gap
    from tw_days d
    where d.was_orders > 0 or d.orders > 0
    window earlier as (partition by d.customer_id, d.basis order by d.day rows between unbounded preceding and 1 preceding)
), told_apart as (
    select p.basis, p.was_channel as channel, p.was_country as country, p.was_category as category, s.was_gap as gap, -1 as count
    from shifted s
    join tw_profiles p on p.customer_id = s.customer_id and p.basis = s.basis
    where s.was_orders > 0 and s.was_gap is not null
    union all
    select p.basis, p.channel, p.country, p.category, s.gap, 1
    from shifted s
    join tw_profiles p on p.customer_id = s.customer_id and p.basis = s.basis
    where s.orders > 0 and s.gap is not null
), groups as (
    select basis, channel, country, category, gap, sum(count) as count
    from told_apart
    group by 1, 2, 3, 4, 5
    having sum(count) <> 0
), change as (
    select basis, case grouping(channel, country, category) when 7 then 'all' when 3 then 'channel' when 5 then 'country' else 'category' end as dim,
           coalesce(channel, country, category, '') as value, gap, sum(count) as count
    from groups
    group by grouping sets ((basis, gap), (basis, gap, channel), (basis, gap, country), (basis, gap, category))
    having sum(count) <> 0
)
insert into rollup_gaps as r (store_id, basis, dim, value, gap_days, count)
select $1, basis, dim, value, gap, count
from change
order by basis, dim, value, gap
on conflict (store_id, basis, dim, value, gap_days) do update set count = r.count + excluded.count

-- name: last_days
-- On which day how many customers ordered last. $1 store.
with told_apart as (
    select basis, was_channel as channel, was_country as country, was_category as category, was_last as last_day, -1 as customers
    from tw_profiles
    where was_last is not null
    union all
    select basis, channel, country, category, last_day, 1 from tw_profiles where last_day is not null
), change as (
    select basis, case grouping(channel, country, category) when 7 then 'all' when 3 then 'channel' when 5 then 'country' else 'category' end as dim,
           coalesce(channel, country, category, '') as value, last_day, sum(customers) as customers
    from told_apart
    group by grouping sets ((basis, last_day), (basis, last_day, channel), (basis, last_day, country), (basis, last_day, category))
    having sum(customers) <> 0
)
insert into rollup_last_days as r (store_id, basis, dim, value, last_day, customers)
select $1, basis, dim, value, last_day, customers
from change
order by basis, dim, value, last_day
on conflict (store_id, basis, dim, value, last_day) do update set customers = r.customers + excluded.customers
