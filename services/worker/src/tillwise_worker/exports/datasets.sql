-- name: orders
-- Every order, with what it adds up to.
select order_id, placed_at, cancelled_at, customer_id, channel, country, lines, units, gross, discount, refunded, shipping, tax, currency
from published.orders
where ($1::date is null or placed_at >= $1) and ($2::date is null or placed_at < $2::date + 1)

-- name: order_lines
-- Every line of every order.
select order_id, line_no, placed_at, customer_id, channel, country, sku, name, category, quantity, unit_price, discount, amount, unit_cost,
       cancelled, currency
from published.order_lines
where ($1::date is null or placed_at >= $1) and ($2::date is null or placed_at < $2::date + 1)

-- name: customers
-- Every customer, with all that was told of them, as JSON.
select customer_id, first_order_at, last_order_on, orders, sales, attributes::text as attributes, currency
from published.customers
where $1::date is null and $2::date is null

-- name: products
-- Every product, with all that was told of it, as JSON.
select sku, name, category, unit_cost, lead_time_days, first_sold_on, last_sold_on, attributes::text as attributes, currency
from published.products
where $1::date is null and $2::date is null

-- name: stock_movements
-- Every movement and every count of stock.
select event_id, occurred_at, sku, location, reason, quantity, unit_cost, currency
from published.stock_movements
where ($1::date is null or occurred_at >= $1) and ($2::date is null or occurred_at < $2::date + 1)
