-- Recompute everything derived from the facts of one store, in temporary tables that stand in front of the real ones.

-- name: lock
-- The store stays as it is until `unlock`: what waits to be settled is settled, and a snapshot taken.
select pg_advisory_lock(745594, $1)

-- name: unlock
select pg_advisory_unlock(745594, $1)

-- name: snapshot
-- The first question of a transaction: from here on it sees what was there now.
select version from analytics.stores where id = $1

-- name: forget_plans
-- Names are looked up anew: a plan that is kept does not notice a table that has come to stand in front of the one it knows.
discard plans

-- name: forget_changes
-- Everything was computed from the facts: nothing is left to be settled.
with customers as (delete from analytics.customer_changes where store_id = $1)
delete from analytics.stock_changes where store_id = $1

-- name: stage_events
-- The next events of the store in the order of their ids, as if they had just come.
with page as (
    select * from analytics.events where store_id = $1 and event_id > $2 order by event_id limit $3
)
insert into tw_events
select p.*, exists (
    select from analytics.event_lines l
    where l.store_id = p.store_id and l.event_id = p.event_id and l.quantity > 0 and p.type = 'order.placed')
from page p

-- name: last_staged
-- The id after which to go on.
select max(event_id) from tw_events

-- name: stage_lines
-- Their lines.
insert into tw_lines
-- Which line counts matters for orders in tw_new alone, and a rebuild has none.
select l.*, false, false from analytics.event_lines l join tw_events e on e.store_id = l.store_id and e.event_id = l.event_id

-- name: empty_stage
truncate tw_events, tw_lines, tw_touched, tw_deltas

-- name: touch_next
-- The next orders, and refunds of orders that nobody placed.
insert into tw_touched
select $1, order_id
from (
    (select order_id from orders where store_id = $1 and order_id > $2 order by order_id limit $3)
    union
    (select order_id from refunds where store_id = $1 and order_id > $2 order by order_id limit $3)
) known
order by order_id
limit $3

-- name: last_touched
-- The order after which to go on.
select max(order_id) from tw_touched
