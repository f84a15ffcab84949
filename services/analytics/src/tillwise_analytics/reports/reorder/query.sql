-- What the reorder report asks of the database.

-- name: products
-- Each product that has stock: units, what it says of itself, and its demand in weeks. $1 store, $2 first week, $3 its begin, $4 this
-- week, $5 now, $6 category, $7 product, $8 supplier,
-- $9 timezone, $10 products of which something is dated ahead of now, $11 what stands for them in stock_skus until then. `days`: since
-- its stock was known or it was ordered first; `whole_weeks`: those of them before this week, by the calendar, that are whole;
-- `empty_days`: those with nothing on hand
with demand as materialized (
    select sku, coalesce(analytics.total(units) filter (where week < $4), 0) as whole,
           coalesce(analytics.total(units * units) filter (where week < $4), 0) as squares,
           count(*) filter (where week < $4 and units > 0) as sold_in, min(week) filter (where units > 0) as first,
           analytics.total(units) as units
    from (
        -- What was ordered and not cancelled. (Refunds and corrections leave weeks in which nothing was ordered.)
        select sku, week, units_gross - units_cancelled as units
        from analytics.product_weeks
        where store_id = $1 and week between $2 and $4 and units_gross > 0 and ($7::text is null or sku = $7)
    ) weeks
    group by sku
), stock as (
    select * from analytics.stock_skus where store_id = $1 and ($7::text is null or sku = $7) and sku <> all($10::text[])
    union all
    select * from jsonb_populate_recordset(null::analytics.stock_skus, $11::jsonb)
)
select s.sku, coalesce(p.name, p.seen_name) as name, coalesce(p.category, p.seen_category) as category, p.attributes ->> 'supplier' as supplier,
       s.on_hand, s.in_transit, coalesce(p.unit_cost::float8, s.average_value::float8 / nullif(s.average_quantity, 0)) as unit_cost,
       p.lead_time_days, p.attributes ->> 'lead_time_sd_days' as lead_time_sd, p.attributes ->> 'pack_size' as pack,
       p.attributes ->> 'min_order_quantity' as least, p.attributes ->> 'max_order_quantity' as most,
       date_part('epoch', $5::timestamptz - f.at) / 86400 as days,
       greatest(floor(date_part('epoch', $4::date - (f.at at time zone $9)) / 604800)::int, 0) as whole_weeks,
       d.whole, d.squares, d.sold_in, d.units, d.units is null and s.last_sale >= $3 as moved_lately,
       case when d.units is null then (s.sold - case when s.at < $3 then s.sold else coalesce(w.sold, 0) end)::float8 end as moved,
       (s.empty_time - case when s.at < $3 then s.empty_time else coalesce(w.empty_time, 0) end
        + case when s.since < $5 and s.on_hand = 0 then date_part('epoch', $5::timestamptz - greatest(s.at, $3)) * 1e6 else 0 end
        - case when s.at >= $3 and s.since < $3 and w.on_hand = 0 then date_part('epoch', $3::timestamptz - w.at) * 1e6 else 0 end
       ) / 86400e6 as empty_days
from stock s
left join analytics.stock_weeks w on s.at >= $3 and w.store_id = $1 and w.week = $2 and w.sku = s.sku
left join demand d on d.sku = s.sku
cross join lateral (select greatest($3, least(s.since, d.first::timestamp at time zone $9)) as at) f
left join analytics.products p on p.store_id = $1 and p.sku = s.sku
where ($6::text is null or coalesce(p.category, p.seen_category, '') = $6)
  and ($8::text is null or coalesce(p.attributes ->> 'supplier', '') = $8)

-- name: moved_weeks
-- The units of sale movements in whole weeks since its stock was known: their sum, their squares, and in how many weeks there were some.
-- $1 store, $2 first week, $3 this week, $4 products, $5 timezone. (A week that stock_weeks does not know begins before the first
-- movement, or after the last one.)
with begins as materialized (
    select $2::date + 7 * number as week, ($2::date + 7 * number)::timestamp at time zone $5 as at, number
    from generate_series(0, ($3::date - $2::date) / 7) as n (number)
), known as materialized (
    select sku, week, sold from analytics.stock_weeks
    where store_id = $1 and week = any(array(select week from begins)) and sku = any($4::text[])
), weeks as (
    select s.sku, b.number, s.since is null or b.at >= s.since as counts,
           greatest(lead(k.sold) over w - k.sold, 0) as units
    from analytics.stock_skus s
    cross join begins b
    left join known on known.sku = s.sku and known.week = b.week
    cross join lateral (select coalesce(known.sold, case when s.at < b.at then s.sold else 0 end) as sold) k
    where s.store_id = $1 and s.sku = any($4::text[])
    window w as (partition by s.sku order by b.number)
)
select sku, analytics.total(units) as whole, analytics.total(units * units) as squares, count(*) filter (where units > 0) as sold_in
from weeks
where counts and units is not null
group by sku

-- name: opened
-- The day of the store's first order.
select min(day) as day from analytics.rollup_days where store_id = $1 and dim = 'all' and orders_gross > 0

-- name: groups
-- Units of each category, and of the store (null), week by week. $1 store, $2 first day, $3 last day, $4 week start
select case dim when 'category' then value end as category, analytics.week_begin(day, $4) as week, analytics.total(units_gross - units_cancelled) as units
from analytics.rollup_days
where store_id = $1 and dim in ('all', 'category') and day between $2 and $3
group by 1, 2
