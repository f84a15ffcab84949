-- What the products report asks of the database.

-- name: from_rollups
-- Sums of each product: whole weeks from the weekly rollup, the days around them from the daily one; and when it was sold for the
-- first and last time.
-- $1 store, $2 first day, $3 last day, $4 first whole week, $5 last whole week, $6 last week that is over, $7 gross?, $8 sku or null
select t.*, case when $7 then s.first_gross else s.first_net end as first_sale,
       case when $7 then s.last_gross else s.last_net end as last_sale
from (
    select sku, analytics.total(orders) as orders, analytics.total(units) as units, analytics.total(sales) as sales,
           analytics.total(net) as net, analytics.total(refunds) as refunds, analytics.total(cost) as cost,
           analytics.total(uncosted) as uncosted, coalesce(analytics.total(demand), 0) as demand,
           coalesce(analytics.total(demand * demand), 0) as squares, analytics.total(gross_cost) as gross_cost
    from (
        select sku, case when $7 then orders_gross else orders_net end as orders, case when $7 then units_gross else units_net end as units,
               case when $7 then sales_gross else sales_net end as sales, sales_net as net, refunds, cost_net as cost, uncosted_net as uncosted,
               case when week <= $6 then units_gross - case when $7 then 0 else units_cancelled end end as demand,
               cost_gross as gross_cost
        from analytics.product_weeks
        where store_id = $1 and week between $4 and $5 and ($8::text is null or sku = $8)
        union all
        select value, case when $7 then orders_gross else orders_net end, case when $7 then units_gross else units_net end,
               case when $7 then sales_gross else sales_net end, sales_net, refunds, cost_net, uncosted_net, null, cost_gross
        from analytics.rollup_days
        where store_id = $1 and dim = 'product' and ($8::text is null or value = $8)
          and (day between $2 and least($4 - 1, $3) or day between greatest($5 + 7, $2) and $3)
    ) parts
    where sku <> ''
    group by sku
) t
left join analytics.product_spans s on s.store_id = $1 and s.sku = t.sku
where t.orders <> 0 or t.units <> 0 or t.sales <> 0

-- name: from_facts
-- The same from the entries themselves, for filters that no rollup of products knows. The days of first and last orders know no filter.
-- $1 store, $2 from, $3 until, $4 timezone, $5 week start, $6 first whole week, $7 last week that is over, $8 gross?, $9 channel,
-- $10 country, $11 category, $12 sku
with entries as (
    select * from analytics.sale_entries where store_id = $1 and at >= $2 and at < $3
    union all
    select * from analytics.refund_entries where store_id = $1 and at >= $2 and at < $3
), weeks as (
    select sku, analytics.week_begin((at at time zone $4)::date, $5) as week,
           count(distinct order_id) filter (where sold and ($8 or not cancelled)) as orders,
           sum(case when $8 then units_gross else units_net end) as units, sum(case when $8 then sales_gross else sales_net end) as sales,
           sum(sales_net) as net, sum(refunds) as refunds, sum(cost_net) as cost, sum(uncosted_net) as uncosted,
           sum(units_gross - case when $8 then 0 else units_cancelled end) as demand, sum(cost_gross) as gross_cost
    from entries
    where sku <> '' and ($9::text is null or channel = $9) and ($10::text is null or country = $10)
      and ($11::text is null or category = $11) and ($12::text is null or sku = $12)
    group by 1, 2
)
select t.*, case when $8 then s.first_gross else s.first_net end as first_sale,
       case when $8 then s.last_gross else s.last_net end as last_sale
from (
    select sku, sum(orders)::bigint as orders, sum(units)::bigint as units, sum(sales)::bigint as sales, sum(net)::bigint as net,
           sum(refunds)::bigint as refunds, sum(cost)::bigint as cost, sum(uncosted)::bigint as uncosted,
           coalesce(sum(demand) filter (where week between $6 and $7), 0)::bigint as demand,
           coalesce(sum(demand * demand) filter (where week between $6 and $7), 0)::bigint as squares, sum(gross_cost)::bigint as gross_cost
    from weeks
    group by sku
) t
left join analytics.product_spans s on s.store_id = $1 and s.sku = t.sku
where t.orders <> 0 or t.units <> 0 or t.sales <> 0

-- name: described
-- What products are called, and their category.
-- $1 store, $2 products
select sku, coalesce(name, seen_name) as name, coalesce(category, seen_category) as category
from analytics.products
where store_id = $1 and sku = any($2)
