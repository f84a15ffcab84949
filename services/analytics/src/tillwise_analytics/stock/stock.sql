-- How stock is settled. Derived tables are named without their schema: see settling.sql.

-- name: waiting
-- The products to settle with what was saved of them, and how they are brought up to date: by what came after `after`, or from the
-- beginning (null), where something is new in the midst of what was replayed, or costs hold now that did not.
-- $1 store
select t.key as sku, s.state,
       case
           when s.state is null then null
           when c.at > s.last_at then s.last_at
           when c.at = '-infinity' and k.costs = s.costs and k.first_cost is not distinct from s.first_cost and s.movements = (
               select count(*) from analytics.events e
               where e.store_id = $1 and e.subject = t.key and e.type in ('stock.moved', 'stock.counted') and e.occurred_at <= s.last_at
           ) then s.last_at
       end as after
from tw_settling t
left join stock_states s on s.store_id = $1 and s.sku = t.key
left join lateral (select min(c.at) as at from stock_changes c where c.store_id = $1 and c.sku = t.key) c on true
left join lateral (
    select count(*) filter (where p.valid_from <= s.last_at) as costs,
           (array_agg(p.event_id order by p.valid_from, p.event_id))[1] as first_cost
    from product_costs p
    where p.store_id = $1 and p.sku = t.key and c.at = '-infinity'
) k on true
order by t.key

-- name: ahead
-- The products of which something happens after a moment. $1 store, $2 moment, $3 product (null: any)
select sku from analytics.stock_skus where store_id = $1 and at > $2 and ($3::text is null or sku = $3) order by sku

-- name: movements
-- Movements and counts of these products after the given moments (null: all), product by product. A unit that is new with one costs
-- what it states, else what the product did then, else what it was first stated to cost, else nobody knows.
-- $1 store, $2 products, $3 after, $4 timezone
select e.subject as sku, (extract(epoch from e.occurred_at) * 1000000)::bigint as at, e.event_id, coalesce(e.reason, 'count') as kind,
       coalesce(e.location, '') as location, e.quantity, coalesce(e.unit_cost, b.unit_cost, a.unit_cost) as cost,
       (e.occurred_at at time zone $4)::date as day
from unnest($2::text[], $3::timestamptz[]) as w (sku, after)
cross join lateral (
    select * from analytics.events e
    where e.store_id = $1 and e.subject = w.sku and e.type in ('stock.moved', 'stock.counted')
      and e.occurred_at > coalesce(w.after, '-infinity')
    offset 0
) e
left join lateral (
    select c.unit_cost from product_costs c
    where c.store_id = $1 and c.sku = e.subject and c.valid_from <= e.occurred_at
    order by c.valid_from desc, c.event_id desc limit 1
) b on e.unit_cost is null and (e.reason is null or e.quantity > 0)
left join lateral (
    select c.unit_cost from product_costs c
    where c.store_id = $1 and c.sku = e.subject
    order by c.valid_from, c.event_id limit 1
) a on e.unit_cost is null and (e.reason is null or e.quantity > 0) and b.unit_cost is null
order by e.subject, e.occurred_at, e.event_id

-- name: put_states
-- How far these products are replayed. $1 store, $2 products, $3 last moments, $4 how many movements, $5 states
insert into stock_states (store_id, sku, last_at, movements, costs, first_cost, state)
select $1, n.sku, n.last_at, n.movements, k.costs, k.first_cost, n.state
from unnest($2::text[], $3::timestamptz[], $4::bigint[], $5::text[]) as n (sku, last_at, movements, state)
cross join lateral (
    select count(*) filter (where p.valid_from <= n.last_at) as costs,
           (array_agg(p.event_id order by p.valid_from, p.event_id))[1] as first_cost
    from product_costs p
    where p.store_id = $1 and p.sku = n.sku
) k
on conflict (store_id, sku) do update set
    last_at = excluded.last_at, movements = excluded.movements, costs = excluded.costs, first_cost = excluded.first_cost,
    state = excluded.state

-- name: clear_skus
delete from stock_skus where store_id = $1 and sku = any($2::text[])

-- name: clear_levels
delete from stock_levels where store_id = $1 and sku = any($2::text[])

-- name: clear_layers
delete from stock_layers where store_id = $1 and sku = any($2::text[])

-- name: clear_weeks
-- Those of products that are replayed from the beginning; whose stock goes on begins later weeks only.
delete from stock_weeks where store_id = $1 and sku = any($2::text[])

-- name: clear_days
-- Days that are told anew: from this one on (null: all). $1 store, $2 products, $3 days
delete from stock_days d using unnest($2::text[], $3::date[]) as n (sku, day)
where d.store_id = $1 and d.sku = n.sku and d.day >= coalesce(n.day, '-infinity')

-- name: clear_place_days
-- The same of their places (null: all of a product). $1 store, $2 products, $3 locations, $4 days
delete from stock_place_days d using unnest($2::text[], $3::text[], $4::date[]) as n (sku, location, day)
where d.store_id = $1 and d.sku = n.sku and (n.location is null or d.location = n.location) and d.day >= coalesce(n.day, '-infinity')

-- name: clear_outs
-- Times without stock that are told anew: from this one on (null: all). $1 store, $2 products, $3 moments
delete from stock_outs o using unnest($2::text[], $3::timestamptz[]) as n (sku, since_at)
where o.store_id = $1 and o.sku = n.sku and o.since_at >= coalesce(n.since_at, '-infinity')
