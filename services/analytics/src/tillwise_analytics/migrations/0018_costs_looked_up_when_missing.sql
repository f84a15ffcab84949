-- The same entries, told to the planner so that a line that states its own cost looks up none: the condition stands inside
-- of what is looked up, where it is tried first.
create or replace view sale_entries with (security_invoker = true) as
select
    o.store_id, o.order_id, o.placed_at as at,
    o.customer_id, coalesce(o.channel, '') as channel, coalesce(o.country, '') as country,
    l.sku, coalesce(l.category, p.category, '') as category,
    o.is_sale and l.quantity > 0 as sold,
    o.cancelled_at is not null as cancelled,
    greatest(l.quantity, 0)::bigint as units_gross,
    case when o.cancelled_at is null then l.quantity else 0 end::bigint as units_net,
    greatest(l.quantity, 0) * l.unit_price as sales_gross,
    case when o.cancelled_at is null then l.quantity * l.unit_price - l.discount else 0 end as sales_net,
    case when o.cancelled_at is null then l.discount else 0 end as discounts,
    case when o.cancelled_at is null then greatest(-l.quantity, 0) * l.unit_price else 0 end as refunds,
    greatest(l.quantity, 0) * coalesce(l.unit_cost, b.unit_cost, a.unit_cost, 0) as cost_gross,
    case when o.cancelled_at is null then l.quantity * coalesce(l.unit_cost, b.unit_cost, a.unit_cost, 0) else 0 end as cost_net,
    case when o.cancelled_at is null and coalesce(l.unit_cost, b.unit_cost, a.unit_cost) is null
        then l.quantity * l.unit_price - l.discount else 0 end as uncosted_net
from orders o
join event_lines l on l.store_id = o.store_id and l.event_id = o.event_id
left join products p on l.category is null and p.store_id = l.store_id and p.sku = l.sku
left join lateral (
    -- As last stated when the order was placed.
    select c.unit_cost from product_costs c
    where l.unit_cost is null and c.store_id = o.store_id and c.sku = l.sku and c.valid_from <= o.placed_at
    order by c.valid_from desc, c.event_id desc limit 1
) b on true
left join lateral (
    -- As first stated.
    select c.unit_cost from product_costs c
    where l.unit_cost is null and b.unit_cost is null and c.store_id = o.store_id and c.sku = l.sku
    order by c.valid_from, c.event_id limit 1
) a on true
where o.placed_at is not null;
