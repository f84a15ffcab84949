-- What the customers report asks of the database. A score is 1 + width_bucket(value, from which value on it is 2, 3, 4, 5); two
-- scores in one number are 10 * recency + frequency. customers_as_of(store, basis, null) are the customers as they are.

-- name: standing
-- Whether anything happened after the day, whether any cost is known, and whether there is anything at all.
-- $1 store, $2 day
select exists (select from analytics.rollup_days where store_id = $1 and dim = 'all' and day > $2) as later,
       exists (select from analytics.rollup_days where store_id = $1 and dim = 'all'
               and (cost_gross <> 0 or cost_net <> 0 or sales_net <> uncosted_net)) as costed,
       exists (select from analytics.rollup_days where store_id = $1 and dim = 'all') as anything

-- name: spread
-- Customers by the day of their last order, and by the number of their orders.
-- $1 store, $2 basis
select last_day, orders, sum(customers)::bigint as customers
from analytics.customer_histogram
where store_id = $1 and basis = $2 and customers > 0
group by grouping sets ((last_day), (orders))

-- name: bins
-- Customers by what they spent, most first.
-- $1 store, $2 basis
select bin, customers, sales from analytics.customer_values where store_id = $1 and basis = $2 and customers > 0 order by bin desc

-- name: places
-- Within each of these bins, what the customer at a place spent, and what those up to it spent together, less than 0 as 0.
-- $1 store, $2 basis, $3 low ends, $4 high ends, $5 places, from 1 on
select t.spent, t.total
from unnest($3::bigint[], $4::bigint[], $5::bigint[]) with ordinality as b (low, high, place, n)
cross join lateral (
    select min(sales) as spent, sum(greatest(sales, 0))::bigint as total
    from (
        select p.sales from analytics.customer_profiles p
        where p.store_id = $1 and p.basis = $2 and p.sales between b.low and b.high
        order by p.sales desc
        limit b.place
    ) best
) t
order by b.n

-- name: cells
-- Sums of all customers by their scores of recency and frequency.
-- $1 store, $2 basis, $3 limits of recency, $4 limits of frequency, $5 as of
select 1 + width_bucket(last_day, $3::date[]) as recency, 1 + width_bucket(orders, $4::bigint[]) as frequency,
       sum(customers)::bigint as customers, sum(customers * orders)::bigint as orders, sum(sales)::bigint as sales,
       sum(margin)::bigint as margin, sum(customers * ($5::date - last_day))::bigint as days
from analytics.customer_histogram
where store_id = $1 and basis = $2 and customers > 0
group by 1, 2

-- name: spread_then
-- Customers at the end of a day by their last day, by their orders, and the values at places of their order by sales.
-- $1 store, $2 basis, $3 day
with people as materialized (
    select last_day, orders, sales from analytics.customers_as_of($1, $2, $3)
)
select last_day, orders, null::bigint as spent, count(*) as customers
from people
group by grouping sets ((last_day), (orders))
union all
select null, null, min(sales), score
from (
    select sales, row_number() over (order by sales desc) as place, count(*) over () as found
    from people
) ranked
join generate_series(2, 5) as score on place <= (found * (6 - score) + 4) / 5
group by score

-- name: chosen
-- Sums of the customers chosen by their first order, by their scores; what they spent, by bins; and what the best tenth spent.
-- $1 store, $2 basis, $3 day or null, $4 limits of recency, $5 limits of frequency, $6 as of, $7 channel, $8 country, $9 category
with people as materialized (
    select last_day, orders, sales, margin
    from analytics.customers_as_of($1, $2, $3)
    where ($7::text is null or channel = $7) and ($8::text is null or country = $8) and ($9::text is null or category = $9)
)
select 1 + width_bucket(last_day, $4::date[]) as recency, 1 + width_bucket(orders, $5::bigint[]) as frequency, null::bigint as bin,
       count(*) as customers, sum(orders)::bigint as orders, sum(sales)::bigint as sales, sum(margin)::bigint as margin,
       sum($6::date - last_day)::bigint as days
from people
group by 1, 2
union all
select null, null, analytics.value_bin(sales), count(*), null, sum(sales)::bigint, null, null
from people
group by analytics.value_bin(sales)
union all
select null, null, null, count(*), null, sum(greatest(sales, 0))::bigint, null, null
from (select sales, row_number() over (order by sales desc) as place, count(*) over () as found from people) ranked
where place <= (found + 9) / 10

-- name: moves
-- How many customers came from which scores to which, and what they spent; 0 is who had not bought yet.
-- $1 store, $2 basis, $3 day or null, $4 limits of recency, $5 limits of frequency, $6 since, $7 limits of recency then,
-- $8 limits of frequency then, $9 channel, $10 country, $11 category
with before as (
    select customer_id, 10 * (1 + width_bucket(last_day, $7::date[])) + 1 + width_bucket(orders, $8::bigint[]) as code
    from analytics.customers_as_of($1, $2, $6::date)
), now as (
    select customer_id, 10 * (1 + width_bucket(last_day, $4::date[])) + 1 + width_bucket(orders, $5::bigint[]) as code, sales
    from analytics.customers_as_of($1, $2, $3)
    where ($9::text is null or channel = $9) and ($10::text is null or country = $10) and ($11::text is null or category = $11)
)
select coalesce(b.code, 0) as was, n.code as is, count(*) as customers, sum(n.sales)::bigint as sales
from now n
left join before b using (customer_id)
group by 1, 2

-- name: listed
-- Customers with their scores, now and then.
-- $1 store, $2 basis, $3 day or null, $4 limits of recency, $5 limits of frequency, $6 limits of sales, $7 since or null, $8 limits of
-- recency then, $9 limits of frequency then, $10 channel, $11 country, $12 category, $13 scores now or null, $14 scores then or null,
-- $15 sort, $16 how many
with before as (
    select customer_id, 10 * (1 + width_bucket(last_day, $8::date[])) + 1 + width_bucket(orders, $9::bigint[]) as code
    from analytics.customers_as_of($1, $2, $7)
    where $7 is not null
), now as (
    select *, 1 + width_bucket(last_day, $4::date[]) as recency, 1 + width_bucket(orders, $5::bigint[]) as frequency
    from analytics.customers_as_of($1, $2, $3)
    where ($10::text is null or channel = $10) and ($11::text is null or country = $11) and ($12::text is null or category = $12)
)
select n.customer_id, n.recency, n.frequency, 1 + width_bucket(n.sales, $6::bigint[]) as monetary, coalesce(b.code, 0) as was,
       n.first_day, n.last_day, n.orders, n.sales, n.margin, n.channel, n.country, n.category, count(*) over () as found
from now n
left join before b using (customer_id)
where ($13::integer[] is null or 10 * n.recency + n.frequency = any($13)) and ($14::integer[] is null or coalesce(b.code, 0) = any($14))
order by case $15
             when 'sales' then n.sales when 'orders' then n.orders when 'margin' then n.margin
             when 'last_order' then n.last_day - date '1970-01-01' when 'first_order' then n.first_day - date '1970-01-01'
         end desc,
         n.customer_id
limit $16
