-- Which customers and products are to be settled. Tables are named without their schema: `rebuild` settles temporary twins
-- of the same names by the same statements.

-- name: session
-- Keys of the domain that is settled: customers or SKUs. Once per connection.
create temp table tw_settling (key text collate "C" primary key) on commit delete rows

-- name: outgrown
-- Which of these tables are twice as large as when the planner looked last, which is once a minute at best and never for a temporary
-- table: a plan made for an empty table reads a large one from end to end. $1 names.
select c.oid::regclass::text as name
from unnest($1::text[]) as t (name)
join pg_class c on c.oid = to_regclass(t.name)
where pg_relation_size(c.oid) > 2 * 8192::bigint * greatest(c.relpages, 20)

-- name: stores_waiting
-- Stores with changes of customers or products that are not settled, and the version of what they sent.
select store_id, version, customers, stock
from (
    select id as store_id, version, exists (select from customer_changes c where c.store_id = s.id) as customers,
           exists (select from stock_changes c where c.store_id = s.id) as stock
    from analytics.stores s
) found
where customers or stock
order by store_id

-- name: customers_waiting
-- Whether a store has unsettled customers.
select exists (select from customer_changes where store_id = $1)

-- name: pick_customers
-- The next customers to settle, in order. $1 store, $2 how many, $3 after which one.
with picked as (
    insert into tw_settling
    select distinct customer_id from customer_changes where store_id = $1 and customer_id > $3 order by 1 limit $2
    returning key
)
select count(*)::integer as keys, max(key) as last from picked

-- name: forget_customers
-- Their changes are settled.
delete from customer_changes
where ctid = any(array(
    select c.ctid
    from tw_settling t
    cross join lateral (select c.ctid from customer_changes c where c.store_id = $1 and c.customer_id = t.key offset 0) c
))

-- name: stock_waiting
-- Whether a store has unsettled stock.
select exists (select from stock_changes where store_id = $1)

-- name: pick_stock
-- The next products to settle, in order. $1 store, $2 how many, $3 after which one.
with picked as (
    insert into tw_settling
    select distinct sku from stock_changes where store_id = $1 and sku > $3 order by 1 limit $2
    returning key
)
select count(*)::integer as keys, max(key) as last from picked

-- name: forget_stock
-- Their changes are settled.
delete from stock_changes
where ctid = any(array(
    select c.ctid
    from tw_settling t
    cross join lateral (select c.ctid from stock_changes c where c.store_id = $1 and c.sku = t.key offset 0) c
))
