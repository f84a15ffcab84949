-- What the customers report asks of the database. A score is 1 + width_bucket(value, from which value on it is 2, 3, 4, 5); two
-- scores in one number are 10 * recency + frequency. customers_as_of(store, basis, null) are the customers as they are.

-- name: standing
-- Whether anything happened after the day, whether any cost is known, and whether there is anything at all.
-- $1 store, $2 day
select exists (select from analytics.rollup_days where store_id = $1 and dim = 'all' and day > $2) as later,
       exists (select from analytics.rollup_days d
               -- Money given back for no goods in particular has no cost, and tells of none.
               left join analytics.rollup_days back on back.store_id = d.store_id and back.dim = 'product' and back.day = d.day and back.value = ''
               where d.store_id = $1 and d.dim = 'all'
               and (d.cost_gross <> 0 or d.cost_net <> 0 or d.sales_net - coalesce(back.sales_net, 0) <> d.uncosted_net)) as costed,
       exists (select from analytics.rollup_days where store_id = $1 and dim = 'all') as anything

-- name: spread
-- Customers by the day of their last order, and by the number of their orders.
-- $1 store, $2 basis
select part, last_day, orders, customers
from analytics.customer_histogram
where store_id = $1 and basis = $2 and part in ('day', 'orders') and customers > 0

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
-- Sums of all customers by their scores of recency and frequency. (Compared one by one: twice as quick as width_bucket.)
-- $1 store, $2 basis, $3 limits of recency, $4 limits of frequency, $5 as of
select case when last_day >= ($3::date[])[4] then 5 when last_day >= ($3::date[])[3] then 4
            when last_day >= ($3::date[])[2] then 3 when last_day >= ($3::date[])[1] then 2 else 1 end as recency,
       case when orders >= ($4::bigint[])[4] then 5 when orders >= ($4::bigint[])[3] then 4
            when orders >= ($4::bigint[])[2] then 3 when orders >= ($4::bigint[])[1] then 2 else 1 end as frequency,
       sum(customers)::bigint as customers, sum(customers * orders)::bigint as orders, sum(sales)::bigint as sales,
       sum(margin)::bigint as margin, sum(customers * ($5::date - last_day))::bigint as days
from analytics.customer_histogram
where store_id = $1 and basis = $2 and part = 'cell'
group by 1, 2

-- name: read_all
-- For statements that sum the days of all customers: days lie in the order in which they came, and along the index, customer by
-- customer, each would be a page of its own. Read as they lie and summed in memory, once and not by several at a time.
set local enable_indexscan = off;
set local work_mem = '64MB';
set local max_parallel_workers_per_gather = 0

-- name: computed
-- The customers at the end of a day: how many of which last day and number of orders, chosen by their first order or not; from which
-- sales on a score is 2 to 5; what the chosen ones spent, by bins; and what the best tenth of these spent, less than 0 as 0.
-- $1 store, $2 basis, $3 day or null, $4 channel, $5 country, $6 category
with people as materialized (
    select last_day, orders, sales, margin,
           ($4::text is null or channel = $4) and ($5::text is null or country = $5) and ($6::text is null or category = $6) as chosen
    from analytics.customers_as_of($1, $2, $3)
)
select 'cell' as kind, last_day, orders as number, chosen, count(*) as customers, sum(sales)::bigint as sales, sum(margin)::bigint as margin
from people
group by last_day, orders, chosen
union all
select 'limit', null, l.score, null, null, r.sales, null
from (select sales, row_number() over (order by sales desc) as place from people) r
join (
    select score, ((select count(*) from people) * (6 - score) + 4) / 5 as place from generate_series(2, 5) as score
) l on l.place = r.place
union all
select 'bin', null, analytics.value_bin(sales), null, count(*), sum(sales)::bigint, null
from people
where chosen
group by analytics.value_bin(sales)
union all
select 'best', null, null, null, count(*), coalesce(sum(greatest(sales, 0)), 0)::bigint, null
from (
    select sales from people where chosen order by sales desc limit (select (count(*) + 9) / 10 from people where chosen)
) best

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
