-- The refit stores what it found in place of what the last one did.

-- name: version
-- The version of the data that are fitted.
select version from analytics.stores where id = $1

-- name: fitted
-- What the last refit fitted.
select data_version from analytics.ltv_models where store_id = $1

-- name: lock
-- One refit of a store at a time. Nobody else asks for this lock: events go on being committed.
select pg_advisory_xact_lock(745595, $1)

-- name: forget
-- What the last refit found.
with models as (delete from analytics.ltv_models where store_id = $1 and basis = $2),
     groups as (delete from analytics.ltv_groups where store_id = $1 and basis = $2)
delete from analytics.ltv_customers where store_id = $1 and basis = $2

-- name: stage
-- Customers as they come, without the store and basis that they all have.
create temp table ltv_staged (like analytics.ltv_customers) on commit drop;
alter table ltv_staged alter store_id drop not null, alter basis drop not null

-- name: keep_customers
insert into analytics.ltv_customers
    (store_id, basis, customer_id, first_day, last_day, repeats, spend, sales, margin, alive, purchases, mean_spend, expected_sales, discounted,
     segment)
select $1, $2, customer_id, first_day, last_day, repeats, spend, sales, margin, alive, purchases, mean_spend, expected_sales, discounted, segment
from ltv_staged

-- name: keep_model
insert into analytics.ltv_models (store_id, basis, fitted_at, data_version, model) values ($1, $2, now(), $3, $4)

-- name: keep_groups
insert into analytics.ltv_groups
    (store_id, basis, level, key, customers, repeats, sales, margin, alive, purchases, expected_sales, discounted)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: new_version
-- Answers from before the refit are out of date.
update analytics.stores set version = version + 1 where id = $1
