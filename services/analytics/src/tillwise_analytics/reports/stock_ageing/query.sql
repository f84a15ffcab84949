-- What the report on the age of stock asks of the database.

-- name: layers
-- What lies there now, place by place: when units came (microseconds), how many, at what cost.
-- $1 store, $2 tell places?, $3 product, $4 location, $5 category, $6 products that are left out
select l.sku, case when $2 then l.location end as location, l.received, l.quantities, l.unit_costs
from analytics.stock_layers l
left join analytics.products p on p.store_id = $1 and p.sku = l.sku
where l.store_id = $1 and ($3::text is null or l.sku = $3) and ($4::text is null or (l.location = $4 and not l.in_transit))
  and not ($2 and l.in_transit) and ($5::text is null or coalesce(p.category, p.seen_category, '') = $5)
  and l.sku <> all($6::text[])

-- name: levels
-- Each product with its units on hand, since when its stock is known, and when it sold last.
-- $1 store, $2 timezone, $3 product, $4 category, $5 products that are left out
select s.sku, null::text as location, s.on_hand, s.in_transit, (s.since at time zone $2)::date as since,
       greatest((s.last_sale at time zone $2)::date, o.last_net) as last_sale, coalesce(p.name, p.seen_name) as name,
       coalesce(p.category, p.seen_category) as category
from analytics.stock_skus s
left join analytics.products p on p.store_id = $1 and p.sku = s.sku
left join analytics.product_spans o on o.store_id = $1 and o.sku = s.sku
where s.store_id = $1 and ($3::text is null or s.sku = $3) and ($4::text is null or coalesce(p.category, p.seen_category, '') = $4)
  and s.sku <> all($5::text[])

-- name: place_levels
-- The same of each of its places; a place's last sale is that of its movements, orders name no place.
-- $1 store, $2 timezone, $3 product, $4 category, $5 products that are left out, $6 location
select s.sku, s.location, s.on_hand, null::bigint as in_transit, (s.since at time zone $2)::date as since,
       (s.last_sale at time zone $2)::date as last_sale, coalesce(p.name, p.seen_name) as name,
       coalesce(p.category, p.seen_category) as category
from analytics.stock_levels s
left join analytics.products p on p.store_id = $1 and p.sku = s.sku
where s.store_id = $1 and ($3::text is null or s.sku = $3) and ($4::text is null or coalesce(p.category, p.seen_category, '') = $4)
  and s.sku <> all($5::text[]) and ($6::text is null or s.location = $6)

-- name: products
-- The products whose stock is known, for a look at an earlier moment.
-- $1 store, $2 product, $3 category, $4 only these (null: all)
select s.sku, coalesce(p.name, p.seen_name) as name, coalesce(p.category, p.seen_category) as category
from analytics.stock_skus s
left join analytics.products p on p.store_id = $1 and p.sku = s.sku
where s.store_id = $1 and ($2::text is null or s.sku = $2) and ($3::text is null or coalesce(p.category, p.seen_category, '') = $3)
  and ($4::text[] is null or s.sku = any($4))
order by s.sku

-- name: last_orders
-- The day on which each of these products was ordered last, up to a day.
-- $1 store, $2 products, $3 last day
select p.sku, o.day
from unnest($2::text[]) as p (sku)
cross join lateral (
    select d.day from analytics.rollup_days d
    where d.store_id = $1 and d.dim = 'product' and d.value = p.sku and d.orders_net > 0 and d.day <= $3
    order by d.day desc limit 1
) o
