-- Which customers and products are to be settled. Tables are named without their schema: `rebuild` settles temporary twins
-- of the same names by the same statements.

-- name: session
-- Keys of the domain that is settled: customers or SKUs. Once per connection.
create temp table tw_settling (key text collate "C" primary key) on commit delete rows

-- name: stores_waiting
-- Stores with changes of customers or products that are not settled.
select store_id, bool_or(customers) as customers, bool_or(stock) as stock
from (
    select id as store_id, exists (select from customer_changes c where c.store_id = s.id) as customers,
           exists (select from stock_changes c where c.store_id = s.id) as stock
    from analytics.stores s
) found
where customers or stock
group by store_id
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
delete from customer_changes c using tw_settling t where c.store_id = $1 and c.customer_id = t.key

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
delete from stock_changes c using tw_settling t where c.store_id = $1 and c.sku = t.key
