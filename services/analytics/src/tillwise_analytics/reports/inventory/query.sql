-- What the inventory report asks of the database: one statement, made of `demand`, one of `by_product` and `by_place`, and `figures`.
-- $1 store, $2 first day, $3 last day, $4 first whole week, $5 last whole week, $6 begin, $7 end (not after now), $8 does the period
-- begin with a week?, $9 does it end now?, $10 category, $11 product, $12 location, $13 sorted by, $14 how many rows, $15 are sale
-- movements the demand?, $16 timezone, $17 products of which something is dated ahead of now, $18 and $19 what stands for them in
-- stock_skus and stock_levels until then

-- name: demand
-- What was ordered of each product, whole weeks from the weekly sums and the days around them from the daily ones.
with asked as (
    -- A parameter that not every statement reads has a type all the same.
    select $8::boolean as begins_with_a_week
), products_then as (
    select * from analytics.stock_skus where store_id = $1 and ($11::text is null or sku = $11) and sku <> all($17::text[])
    union all
    select * from jsonb_populate_recordset(null::analytics.stock_skus, $18::jsonb)
), places_then as (
    select * from analytics.stock_levels where store_id = $1 and ($11::text is null or sku = $11) and sku <> all($17::text[])
    union all
    select * from jsonb_populate_recordset(null::analytics.stock_levels, $19::jsonb)
), demand as materialized (
    select sku, analytics.total(units) as units, analytics.total(units_net) as units_net, analytics.total(sales) as sales,
           analytics.total(known) as known, analytics.total(cost) as cost, min(first) filter (where units > 0) as first
    from (
        select sku, units_gross - units_cancelled as units, units_net, sales_net as sales, sales_net - uncosted_net as known, cost_net as cost, week as first
        from analytics.product_weeks
        where store_id = $1 and week between $4 and $5 and ($11::text is null or sku = $11)
        union all
        select value, units_gross - units_cancelled, units_net, sales_net, sales_net - uncosted_net, cost_net, day
        from analytics.rollup_days
        where store_id = $1 and dim = 'product' and ($11::text is null or value = $11)
          and (day between $2::date and least($4 - 1, $3::date) or day between greatest($5 + 7, $2::date) and $3::date)
    ) parts
    where sku <> ''
    group by sku
),

-- name: by_product
-- Each product with its figures at the end of the period and at its begin: as it is or was after the last movement before.
stock as (
    select s.sku, null::text as location, case when s.since < $7 then s.since end as since, s.last_receipt, s.last_sale,
           e.at, e.on_hand, e.in_transit, e.value::float8 as value, e.unknown, e.average_quantity, e.average_value::float8 as average_value,
           e.average_value::float8 / nullif(e.average_quantity, 0) as unit_cost,
           e.sold, e.cost::float8 as cost, e.value_time::float8 as value_time, e.out_time, e.empty_time,
           b.at as b_at, b.on_hand as b_on_hand, b.value::float8 as b_value, coalesce(b.sold, 0) as b_sold,
           coalesce(b.cost::float8, 0) as b_cost, b.value_time::float8 as b_value_time, b.out_time as b_out_time,
           b.empty_time as b_empty_time
    from products_then s
    cross join lateral (
        select s.at, s.on_hand, s.in_transit, s.value, s.unknown, s.average_quantity, s.average_value, s.sold, s.cost, s.value_time, s.out_time, s.empty_time
        where $9
        union all
        (select d.at, d.on_hand, d.in_transit, d.value, d.unknown, d.average_quantity, d.average_value, d.sold, d.cost, d.value_time, d.out_time, d.empty_time
         from analytics.stock_days d
         where not $9 and d.store_id = $1 and d.sku = s.sku and d.day <= $3::date order by d.day desc limit 1)
    ) e
    left join analytics.stock_weeks w on $8 and s.at >= $6 and w.store_id = $1 and w.week = $2::date and w.sku = s.sku
    left join lateral (
        select s.at, s.on_hand, s.value, s.sold, s.cost, s.value_time, s.out_time, s.empty_time where s.at < $6
        union all
        select w.at, w.on_hand, w.value, w.sold, w.cost, w.value_time, w.out_time, w.empty_time where w.at is not null
        union all
        (select d.at, d.on_hand, d.value, d.sold, d.cost, d.value_time, d.out_time, d.empty_time
         from analytics.stock_days d
         where not $8 and s.at >= $6 and d.store_id = $1 and d.sku = s.sku and d.day < $2::date order by d.day desc limit 1)
    ) b on true
),

-- name: by_place
-- The same of each place; what was sold there are its own movements. Of products that are in one place only, the product's days tell.
stock as (
    select s.sku, s.location, case when s.since < $7 then s.since end as since, s.last_receipt, s.last_sale,
           e.at, e.on_hand, null::bigint as in_transit, e.value::float8 as value, e.unknown, e.average_quantity,
           case when e.average_quantity > 0
               then round(e.average_value::float8 * greatest(e.on_hand - e.unknown, 0) / e.average_quantity) else 0 end as average_value,
           e.average_value::float8 / nullif(e.average_quantity, 0) as unit_cost,
           e.sold, e.cost::float8 as cost, e.value_time::float8 as value_time, e.out_time, e.empty_time,
           b.at as b_at, b.on_hand as b_on_hand, b.value::float8 as b_value, coalesce(b.sold, 0) as b_sold,
           coalesce(b.cost::float8, 0) as b_cost, b.value_time::float8 as b_value_time, b.out_time as b_out_time,
           b.empty_time as b_empty_time
    from (
        select l.*, count(*) over (partition by l.sku) as places
        from places_then l
    ) s
    join products_then p on p.sku = s.sku
    cross join lateral (
        select s.at, s.on_hand, s.value, s.unknown, p.average_quantity, p.average_value, s.sold, s.cost, s.value_time, s.out_time, s.empty_time
        where $9
        union all
        select d.at, d.on_hand, d.value, d.unknown, t.average_quantity, t.average_value, d.sold, d.cost, d.value_time, d.out_time, d.empty_time
        from (
            (select at, on_hand, value, unknown, sold, cost, value_time, out_time, empty_time
             from analytics.stock_place_days
             where not $9 and s.places > 1 and store_id = $1 and sku = s.sku and location = s.location and day <= $3::date
             order by day desc limit 1)
            union all
            (select at, on_hand, value, unknown, sold, cost, value_time, out_time, empty_time
             from analytics.stock_days
             where not $9 and s.places = 1 and store_id = $1 and sku = s.sku and day <= $3::date
             order by day desc limit 1)
        ) d
        cross join lateral (
            select average_quantity, average_value from analytics.stock_days
            where store_id = $1 and sku = s.sku and day <= $3::date
            order by day desc limit 1
        ) t
    ) e
    left join lateral (
        select s.at, s.on_hand, s.value, s.sold, s.cost, s.value_time, s.out_time, s.empty_time where s.at < $6
        union all
        (select at, on_hand, value, sold, cost, value_time, out_time, empty_time
         from analytics.stock_place_days
         where s.at >= $6 and s.places > 1 and store_id = $1 and sku = s.sku and location = s.location and day < $2::date
         order by day desc limit 1)
        union all
        (select at, on_hand, value, sold, cost, value_time, out_time, empty_time
         from analytics.stock_days
         where s.at >= $6 and s.places = 1 and store_id = $1 and sku = s.sku and day < $2::date
         order by day desc limit 1)
    ) b on true
),

-- name: figures
-- What follows from it. Times are in days. `tracked`: how long stock was known in the period; `selling`: how long the product was
-- there to be sold, since its stock was known or it was ordered first; `empty_days`: days out of stock on which nothing was sold that
-- was not there. (Materialized, step by step: else every use of a figure would compute it anew.)
times as materialized (
    select s.*, p.name, p.category, d.sales::float8 as sales, d.units_net::float8 as units_net, d.known::float8 as known,
           d.cost::float8 as cost_of_orders, d.units is not null as ordered,
           case when $15::boolean or d.units is null then (s.sold - s.b_sold)::float8 else d.units::float8 end as units,
           case when s.since is not null then date_part('epoch', $7::timestamptz - greatest(s.since, $6::timestamptz)) / 86400 end as tracked,
           date_part('epoch', $7::timestamptz - greatest($6::timestamptz, least(s.since, d.first::timestamp at time zone $16))) / 86400
               as selling,
           (s.out_time - coalesce(s.b_out_time, 0)
            + case when s.since is not null and s.on_hand <= 0 then date_part('epoch', $7::timestamptz - s.at) * 1e6 else 0 end
            - case when s.since < $6 and s.b_on_hand <= 0 then date_part('epoch', $6::timestamptz - s.b_at) * 1e6 else 0 end
           ) / 86400e6 as out_days,
           (s.empty_time - coalesce(s.b_empty_time, 0)
            + case when s.since is not null and s.on_hand = 0 then date_part('epoch', $7::timestamptz - s.at) * 1e6 else 0 end
            - case when s.since < $6 and s.b_on_hand = 0 then date_part('epoch', $6::timestamptz - s.b_at) * 1e6 else 0 end
           ) / 86400e6 as empty_days,
           (s.value_time - coalesce(s.b_value_time, 0) + s.value * date_part('epoch', $7::timestamptz - s.at)
            - coalesce(s.b_value * date_part('epoch', $6::timestamptz - s.b_at), 0)) / 86400 as value_days
    from stock s
    left join demand d on d.sku = s.sku
    left join lateral (
        select coalesce(q.name, q.seen_name) as name, coalesce(q.category, q.seen_category) as category
        from analytics.products q where q.store_id = $1 and q.sku = s.sku
    ) p on true
    where ($10::text is null or coalesce(p.category, '') = $10) and ($12::text is null or s.location = $12)
), rates as materialized (
    select t.*, case when selling > 0 then units / greatest(selling - coalesce(empty_days, 0), 1) end as per_day,
           case when tracked >= 7 and value_days > 0 then value_days / tracked end as average_stock,
           -- What sold and cost nothing has a cost that nobody knows; what did not sell cost nothing.
           case when sold > b_sold then nullif(cost - b_cost, 0) when units > 0 then nullif(cost_of_orders, 0) else 0 end as cost_of_sales,
           case when ordered and (known <> 0 or cost_of_orders <> 0) then known - cost_of_orders when coalesce(units, 0) = 0 then 0 end as margin,
           case when sold > b_sold then tracked else selling end as cost_days
    from times t
), figures as materialized (
    select sku, location, name, category, on_hand, in_transit, unit_cost, value, unknown, average_value, units, ordered, per_day,
           case when per_day > 0 then greatest(on_hand, 0) / per_day end as cover,
           case when units + greatest(on_hand, 0) > 0 then units / (units + greatest(on_hand, 0)) end as sell_through,
           average_stock, cost_of_sales * 365 / nullif(cost_days, 0) as cost_a_year, margin * 365 / nullif(selling, 0) as margin_a_year,
           case when tracked > 0 then greatest(out_days, 0) end as out_days,
           per_day * greatest(empty_days, 0) as lost_units, per_day * greatest(empty_days, 0) * sales / nullif(greatest(units_net, 0), 0) as lost_sales,
           last_receipt, last_sale
    from rates
), totals as (
    select json_build_object(
        'products', (select count(*) from (select distinct sku from figures) skus), 'rows', count(*), 'on_hand', coalesce(sum(on_hand), 0), 'in_transit', coalesce(sum(in_transit), 0),
        'value', coalesce(sum(value), 0), 'value_average', coalesce(sum(average_value), 0), 'unknown', coalesce(sum(unknown), 0),
        'units', coalesce(sum(units), 0), 'lost_sales', coalesce(sum(lost_sales), 0), 'by_orders', count(*) filter (where ordered),
        'out_of_stock', count(*) filter (where on_hand = 0), 'below_zero', count(*) filter (where on_hand < 0),
        'stock', sum(average_stock) filter (where cost_a_year is not null), 'cost_a_year', sum(cost_a_year) filter (where average_stock is not null),
        'margin_stock', sum(average_stock) filter (where margin_a_year is not null),
        'margin_a_year', sum(margin_a_year) filter (where average_stock is not null),
        'covers', (
            select coalesce(json_agg(json_build_array(place, products, worth) order by place), '[]') from (
                select case when on_hand <= 0 then 0 when coalesce(per_day, 0) <= 0 then 7 else 1 + width_bucket(cover, array[7, 14, 30, 60, 90]::float8[]) end
                           as place, count(*) as products, sum(value) as worth
                from figures group by 1
            ) covers
        ),
        'categories', (
            select coalesce(json_agg(json_build_array(category, worth) order by worth desc), '[]') from (
                select coalesce(category, '') as category, sum(value) as worth from figures group by 1 having sum(value) > 0
                order by 2 desc limit 15
            ) categories
        )
    )::text as totals
    from figures
)
select t.totals, f.*
from totals t
left join (
    select *
    from figures
    order by case $13
                 when 'value' then value when 'on_hand' then on_hand when 'sold' then units when 'days_of_cover' then -cover
                 when 'lost_sales' then lost_sales when 'days_out' then out_days when 'turnover' then cost_a_year / average_stock
                 when 'gmroi' then margin_a_year / average_stock
             end desc nulls last, sku, location
    limit $14
) f on true

-- name: last_orders
-- The day on which each of these products was ordered last, up to a day.
-- $1 store, $2 products, $3 last day
select p.sku, f.day
from unnest($2::text[]) as p (sku)
cross join lateral (
    select d.day from analytics.rollup_days d
    where d.store_id = $1 and d.dim = 'product' and d.value = p.sku and d.orders_net > 0 and d.day <= $3
    order by d.day desc limit 1
) f

-- name: last_moves
-- When each of these products came in and was sold last, before a moment.
-- $1 store, $2 products, $3 locations (null: any), $4 before
select p.sku, p.location, r.occurred_at as last_receipt, s.occurred_at as last_sale
from unnest($2::text[], $3::text[]) as p (sku, location)
left join lateral (
    select e.occurred_at from analytics.events e
    where e.store_id = $1 and e.subject = p.sku and e.type in ('stock.moved', 'stock.counted') and e.occurred_at < $4
      and e.reason = 'receipt' and e.quantity > 0 and (p.location is null or coalesce(e.location, '') = p.location)
    order by e.occurred_at desc limit 1
) r on true
left join lateral (
    select e.occurred_at from analytics.events e
    where e.store_id = $1 and e.subject = p.sku and e.type in ('stock.moved', 'stock.counted') and e.occurred_at < $4
      and e.reason = 'sale' and e.quantity < 0 and (p.location is null or coalesce(e.location, '') = p.location)
    order by e.occurred_at desc limit 1
) s on true
