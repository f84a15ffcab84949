-- What the retention report asks of the database.

-- name: from_cells
-- What the cohorts of weeks or months did in each period, from the sums that are kept of them.
-- $1 store, $2 basis, $3 grain, $4 dim, $5 value or null, $6 starts of cohorts, $7 offset at which all later ones are put together,
-- $8 groups told apart
with cells as (
    select cohort, value, bucket, customers, lasts, orders, sales, margin
    from analytics.cohort_cells
    where store_id = $1 and basis = $2 and grain = $3 and dim = $4 and cohort = any($6::date[]) and ($5::text is null or value = $5)
), largest as (
    select value
    from cells
    where bucket = cohort
    group by value
    having sum(customers) > 0
    order by sum(customers) desc, value
    limit $8
)
select c.cohort, l.value as grp,
       least(case $3 when 'week' then (c.bucket - c.cohort) / 7
             else (date_part('year', c.bucket) - date_part('year', c.cohort)) * 12 + date_part('month', c.bucket) - date_part('month', c.cohort)
             end, $7)::integer as period,
       sum(customers)::bigint as customers, sum(lasts)::bigint as lasts, sum(orders)::bigint as orders, sum(sales)::bigint as sales,
       sum(margin)::bigint as margin
from cells c
left join largest l on l.value = c.value
group by 1, 2, 3

-- name: from_days
-- The same from the days of the cohorts' customers, for what no sum is kept of.
-- $1 store, $2 basis, $3 period, $4 week start, $5 first day, $6 last day, $7 recurring?, $8 days of a rolling period or null,
-- $9 least orders, $10 channel, $11 country, $12 category, $13 by or null, $14 last offset, $15 groups told apart
with chosen as not materialized (
    select customer_id, first_day, last_day,
           case $13 when 'channel' then channel when 'country' then country when 'category' then category else '' end as own
    from analytics.customer_profiles
    where store_id = $1 and basis = $2
      and ($10::text is null or channel = $10) and ($11::text is null or country = $11) and ($12::text is null or category = $12)
), entries as (
    -- Who enters a cohort on which days: on the first day with an order, or on all of them.
    select customer_id, first_day, own, first_day as day from chosen where not $7 and first_day between $5 and $6
    union all
    select c.customer_id, c.first_day, c.own, d.day
    from chosen c
    cross join lateral (
        select d.day from analytics.customer_days d
        where d.store_id = $1 and d.customer_id = c.customer_id and d.day between $5 and $6
          and case $2 when 'gross' then d.orders_gross else d.orders_net end > 0
        offset 0
    ) d
    where $7 and c.first_day <= $6 and c.last_day >= $5
), members as (
    -- Who is in which cohort, and since when.
    select customer_id, first_day, own,
           case $3 when 'week' then analytics.week_begin(day, $4) when 'month' then analytics.month_begin(day) else day end as cohort,
           min(day) as entered
    from entries
    group by 1, 2, 3, 4
), largest as (
    select own from members group by own order by count(*) desc, own limit $15
), periods as (
    -- What each of them did in each period since.
    select m.customer_id, m.cohort, m.own,
           case when $8::integer is not null then (d.day - m.entered) / $8
                when $3 = 'day' then d.day - m.cohort
                when $3 = 'week' then (d.day - m.cohort) / 7
                else (date_part('year', d.day) - date_part('year', m.cohort)) * 12 + date_part('month', d.day) - date_part('month', m.cohort)
           end::integer as period,
           sum(case $2 when 'gross' then d.orders_gross else d.orders_net end) as orders,
           sum(case $2 when 'gross' then d.sales_gross else d.sales_net end) as sales,
           sum(d.sales_net - d.uncosted_net - d.cost_net) as margin
    from members m
    cross join lateral (
        select * from analytics.customer_days d
        where d.store_id = $1 and d.customer_id = m.customer_id
          and d.day >= case when $8::integer is not null then m.entered else greatest(m.first_day, m.cohort) end
        offset 0
    ) d
    group by 1, 2, 3, 4
), returns as (
    select *, orders >= case period when 0 then 1 else $9 end as counts from periods
), told as (
    select *, counts and period = max(period) filter (where counts) over (partition by customer_id, cohort) as is_last from returns
)
select t.cohort, l.own as grp, least(t.period, $14) as period,
       count(*) filter (where counts) as customers, count(*) filter (where is_last) as lasts,
       -- Money given back counts although nobody ordered, but not where a return needs more than that.
       coalesce(sum(orders) filter (where counts or $9 = 1), 0)::bigint as orders,
       coalesce(sum(sales) filter (where counts or $9 = 1), 0)::bigint as sales,
       coalesce(sum(margin) filter (where counts or $9 = 1), 0)::bigint as margin
from told t
left join largest l on l.own = t.own
group by 1, 2, 3

-- name: customers
-- The customers behind a cell of the cohort from $4 to $5, those who came back or the others, best first.
-- $1 store, $2 basis, $3 period, $4 first day, $5 last day, $6 recurring?, $7 days of a rolling period or null,
-- $8 least orders, $9 channel, $10 country, $11 category, $12 offset, $13 or later?, $14 who came back?, $15 limit, $16 how many to skip
with members as (
    select p.customer_id, p.first_day, p.last_day, e.entered
    from analytics.customer_profiles p
    cross join lateral (
        select min(d.day) as entered from analytics.customer_days d
        where d.store_id = $1 and d.customer_id = p.customer_id and d.day between greatest($4, p.first_day) and $5
          and case $2 when 'gross' then d.orders_gross else d.orders_net end > 0
    ) e
    where p.store_id = $1 and p.basis = $2 and p.first_day <= $5 and p.last_day >= $4 and ($6 or p.first_day >= $4)
      and ($9::text is null or p.channel = $9) and ($10::text is null or p.country = $10) and ($11::text is null or p.category = $11)
      and e.entered is not null
), periods as (
    select m.customer_id,
           case when $7::integer is not null then (d.day - m.entered) / $7
                when $3 = 'day' then d.day - $4
                when $3 = 'week' then (d.day - $4) / 7
                else (date_part('year', d.day) - date_part('year', $4)) * 12 + date_part('month', d.day) - date_part('month', $4)
           end::integer as period,
           sum(case $2 when 'gross' then d.orders_gross else d.orders_net end) as orders,
           sum(case $2 when 'gross' then d.sales_gross else d.sales_net end) as sales
    from members m
    cross join lateral (
        select * from analytics.customer_days d
        where d.store_id = $1 and d.customer_id = m.customer_id
          and d.day >= case when $7::integer is not null then m.entered else greatest(m.first_day, $4) end
        offset 0
    ) d
    group by 1, 2
), cell as (
    select customer_id, sum(orders) as orders, sum(sales) as sales, bool_or(orders >= case period when 0 then 1 else $8 end) as counts
    from periods
    where period = $12 or ($13 and period > $12)
    group by customer_id
)
select m.customer_id, m.first_day, m.last_day, coalesce(c.orders, 0)::bigint as orders, coalesce(c.sales, 0)::bigint as revenue,
       count(*) over () as found
from members m
left join cell c using (customer_id)
where coalesce(c.counts, false) = $14
order by revenue desc, m.last_day desc, m.customer_id
limit $15 offset $16

-- name: gaps
-- How often the next day with an order came after how many days. $1 store, $2 basis, $3 dim, $4 value
select gap_days as days, count
from analytics.rollup_gaps
where store_id = $1 and basis = $2 and dim = $3 and value = $4 and count > 0

-- name: last_days
-- On which day how many customers ordered last. $1 store, $2 basis, $3 dim, $4 value
select last_day, customers
from analytics.rollup_last_days
where store_id = $1 and basis = $2 and dim = $3 and value = $4 and customers > 0

-- name: last_order
-- The day of the store's last order. $1 store, $2 basis
select last_day
from analytics.rollup_last_days
where store_id = $1 and basis = $2 and dim = 'all' and value = '' and customers > 0
order by last_day desc
limit 1

-- name: span
-- The first and the last day on which a customer ordered for the first time. $1 store, $2 basis
select (select first_day from analytics.customer_profiles where store_id = $1 and basis = $2 order by first_day limit 1) as first,
       (select first_day from analytics.customer_profiles where store_id = $1 and basis = $2 order by first_day desc limit 1) as last

-- name: has_orders
-- Whether there is anything of the store.
select exists (select from analytics.rollup_days where store_id = $1 and dim = 'all')
