-- What the report on lifetime value asks of the database. Days are counted from 1970-01-01 where Python computes with them.

-- name: customers
-- Each customer who bought until a day: first and last purchase, repeat purchases (days with orders after the first one) and what these
-- brought, sales and margin since the first purchase, and purchases after that day. A refund on a day without a purchase lowers the purchase
-- before it. Rows come in the order of the key, so nothing is sorted.
-- $1 store, $2 gross?, $3 until, $4 last day of later purchases, $5 last day of sales and margin: money comes back after the last purchase, too
with days as (
    select customer_id, day,
           case when $2 then orders_gross else orders_net end > 0 as bought,
           case when $2 then sales_gross else sales_net end as sales,
           sales_net - uncosted_net - cost_net as margin,
           count(*) filter (where case when $2 then orders_gross else orders_net end > 0)
               over (partition by customer_id order by day rows unbounded preceding) as purchase
    from analytics.customer_days
    where store_id = $1 and day <= greatest($4::date, $5::date)
)
select min(day) filter (where purchase = 1) - date '1970-01-01',
       max(day) filter (where bought and day <= $3) - date '1970-01-01',
       count(*) filter (where bought and day <= $3) - 1,
       coalesce(sum(sales) filter (where purchase > 1 and day <= $3), 0)::bigint,
       coalesce(sum(sales) filter (where purchase > 0 and day <= $5), 0)::bigint,
       coalesce(sum(margin) filter (where purchase > 0 and day <= $5), 0)::bigint,
       count(*) filter (where bought and day > $3 and day <= $4),
       customer_id
from days
group by customer_id
having min(day) filter (where bought) <= $3

-- name: repeats
-- Repeat purchases of each day, of customers who came until a day.
-- $1 store, $2 gross?, $3 until, $4 last day looked at
select day - date '1970-01-01' as day, count(*) as repeats
from (
    select day, min(day) over (partition by customer_id) as first
    from analytics.customer_days
    where store_id = $1 and day <= $4 and case when $2 then orders_gross else orders_net end > 0
) bought
where first <= $3 and day > first
group by day

-- name: span
-- The days of the store's first and last order (not after a day), and how many customers it has.
-- $1 store, $2 gross?, $3 last day looked at
select min(day) as first, max(day) as last,
       (select coalesce(sum(case when $2 then new_gross else new_net end), 0)::bigint
        from analytics.rollup_customers where store_id = $1 and grain = 'month') as customers
from analytics.rollup_days
where store_id = $1 and dim = 'all' and day <= $3 and case when $2 then orders_gross else orders_net end > 0

-- name: margin
-- Net sales whose cost is known, and that cost.
-- $1 store, $2 until
select coalesce(sum(sales_net - uncosted_net), 0)::bigint as sales, coalesce(sum(cost_net), 0)::bigint as cost
from analytics.rollup_days
where store_id = $1 and dim = 'all' and day <= $2

-- name: history
-- What each cohort (month of the first purchase) brought in each month so far.
-- $1 store, $2 basis
select cohort, bucket as month, case when bucket = cohort then customers else 0 end as newcomers, sales, margin
from analytics.cohort_cells
where store_id = $1 and basis = $2 and grain = 'month' and dim = 'all'
order by cohort, bucket

-- name: history_until
-- The same until a day, from the customers' days.
-- $1 store, $2 gross?, $3 until
with days as (
    select customer_id, day, sales_net - uncosted_net - cost_net as margin,
           case when $2 then sales_gross else sales_net end as sales,
           min(day) filter (where case when $2 then orders_gross else orders_net end > 0) over (partition by customer_id) as first
    from analytics.customer_days
    where store_id = $1 and day <= $3
)
select analytics.month_begin(first) as cohort, analytics.month_begin(day) as month,
       count(*) filter (where day = first) as newcomers, sum(sales)::bigint as sales, sum(margin)::bigint as margin
from days
where day >= first
group by 1, 2
order by 1, 2

-- name: state
-- The store's version, and what tells it from the same number in another database or before one was restored.
-- $1 store
select version, xmin::text, (select oid from pg_database where datname = current_database()) as database
from analytics.stores
where id = $1

-- name: model
-- The model of the last refit.
-- $1 store, $2 basis
select model, fitted_at, data_version from analytics.ltv_models where store_id = $1 and basis = $2

-- name: groups
-- What the last refit expects of a level's groups.
-- $1 store, $2 basis, $3 level
select key, customers, repeats, sales, margin, alive, purchases, expected_sales, discounted
from analytics.ltv_groups
where store_id = $1 and basis = $2 and level = $3
order by key

-- name: best
-- The customers whose purchases to come are worth most.
-- $1 store, $2 basis, $3 how many
select customer_id, first_day, last_day, repeats, sales, margin, alive, purchases, mean_spend, expected_sales, discounted, segment
from analytics.ltv_customers
where store_id = $1 and basis = $2
order by discounted desc nulls last, customer_id
limit $3

-- name: fitted_customers
-- The customers of the last refit as the computation reads them.
-- $1 store, $2 basis
select first_day, last_day, repeats, spend, sales, margin, 0, customer_id
from analytics.ltv_customers
where store_id = $1 and basis = $2
