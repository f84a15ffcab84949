-- How customers spread: who was settled is taken out of where they were and put where they are. They come from tw_profiles.

-- name: histogram
-- Customers by the day of their last order and the number of their orders, and by each of these alone. $1 store.
insert into customer_histogram as h (store_id, basis, part, last_day, orders, customers, sales, margin)
select $1, basis, case grouping(last_day, orders) when 0 then 'cell' when 1 then 'day' else 'orders' end,
       coalesce(last_day, '-infinity'), coalesce(orders, 0), sum(customers), sum(sales), sum(margin)
from (
    select basis, was_last as last_day, was_orders as orders, -1 as customers, -was_sales as sales, -was_margin as margin
    from tw_profiles where was_first is not null
    union all
    select basis, last_day, orders, 1, sales, margin from tw_profiles where first_day is not null
) moved
group by grouping sets ((basis, last_day, orders), (basis, last_day), (basis, orders))
having sum(customers) <> 0 or sum(sales) <> 0 or sum(margin) <> 0
order by 2, 3, 4, 5
on conflict (store_id, basis, part, last_day, orders) do update set
    customers = h.customers + excluded.customers, sales = h.sales + excluded.sales, margin = h.margin + excluded.margin

-- name: drop_empty_cells
-- Where nobody is any more. $1 store.
delete from customer_histogram h
using (
    select distinct w.basis, k.part, k.last_day, k.orders
    from tw_profiles w
    cross join lateral (values
        ('cell', w.was_last, w.was_orders), ('day', w.was_last, 0), ('orders', date '-infinity', w.was_orders)
    ) as k (part, last_day, orders)
    where w.was_first is not null
) w
where h.store_id = $1 and h.basis = w.basis and h.part = w.part and h.last_day = w.last_day and h.orders = w.orders and h.customers = 0

-- name: values
-- Customers by what they spent. $1 store.
insert into customer_values as v (store_id, basis, bin, customers, sales)
select $1, basis, analytics.value_bin(amount), sum(customers), sum(sales)
from (
    select basis, was_sales as amount, -1 as customers, -was_sales as sales from tw_profiles where was_first is not null
    union all
    select basis, sales, 1, sales from tw_profiles where first_day is not null
) moved
group by basis, analytics.value_bin(amount)
having sum(customers) <> 0 or sum(sales) <> 0
order by 2, 3
on conflict (store_id, basis, bin) do update set customers = v.customers + excluded.customers, sales = v.sales + excluded.sales

-- name: drop_empty_bins
-- Amounts that nobody spent. $1 store.
delete from customer_values v
using (select distinct basis, analytics.value_bin(was_sales) as bin from tw_profiles where was_first is not null) w
where v.store_id = $1 and v.basis = w.basis and v.bin = w.bin and v.customers = 0
