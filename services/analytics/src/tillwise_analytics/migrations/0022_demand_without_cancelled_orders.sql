-- Of the units ordered, those of orders that were cancelled: demand is what was ordered and not cancelled, before anything came back.
alter table rollup_days add column units_cancelled bigint not null default 0;
alter table product_weeks add column units_cancelled bigint not null default 0;

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
        then l.quantity * l.unit_price - l.discount else 0 end as uncosted_net,
    case when o.cancelled_at is not null then greatest(l.quantity, 0) else 0 end::bigint as units_cancelled
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

create or replace view refund_entries with (security_invoker = true) as
select
    r.store_id, r.order_id, r.refunded_at as at,
    o.customer_id, coalesce(o.channel, '') as channel, coalesce(o.country, '') as country,
    coalesce(l.sku, '') as sku, coalesce(s.category, p.category, '') as category,
    false as sold,
    o.cancelled_at is not null as cancelled,
    0::bigint as units_gross,
    case when o.cancelled_at is null then -coalesce(l.quantity, 0) else 0 end::bigint as units_net,
    0::bigint as sales_gross,
    case when o.cancelled_at is null then -coalesce(l.amount, r.amount, 0) else 0 end as sales_net,
    0::bigint as discounts,
    case when o.cancelled_at is null then coalesce(l.amount, r.amount, 0) else 0 end as refunds,
    0::bigint as cost_gross,
    case when o.cancelled_at is null then -coalesce(l.quantity, 0) * coalesce(s.unit_cost, 0) else 0 end as cost_net,
    case when o.cancelled_at is null and l.sku is not null and s.unit_cost is null then -coalesce(l.amount, 0) else 0 end as uncosted_net,
    0::bigint as units_cancelled
from refunds r
left join orders o on o.store_id = r.store_id and o.order_id = r.order_id
left join event_lines l on l.store_id = r.store_id and l.event_id = r.event_id
left join lateral (
    -- The category under which the order sold it, and what it cost then.
    select min(sold.category) as category, min(coalesce(
        sold.unit_cost,
        (select c.unit_cost from product_costs c
         where c.store_id = o.store_id and c.sku = sold.sku and c.valid_from <= o.placed_at
         order by c.valid_from desc, c.event_id desc limit 1),
        (select c.unit_cost from product_costs c
         where c.store_id = o.store_id and c.sku = sold.sku
         order by c.valid_from, c.event_id limit 1)
    )) as unit_cost
    from event_lines sold
    where sold.store_id = o.store_id and sold.event_id = o.event_id and sold.sku = l.sku
) s on true
left join products p on p.store_id = l.store_id and p.sku = l.sku;

create temp table cancelled_units on commit drop as
select o.store_id, (o.placed_at at time zone s.timezone)::date as day, coalesce(o.channel, '') as channel, coalesce(o.country, '') as country,
       coalesce(l.category, p.category, '') as category, l.sku, sum(greatest(l.quantity, 0)) as units
from orders o
join stores s on s.id = o.store_id
join event_lines l on l.store_id = o.store_id and l.event_id = o.event_id
left join products p on l.category is null and p.store_id = l.store_id and p.sku = l.sku
where o.cancelled_at is not null and o.placed_at is not null
group by 1, 2, 3, 4, 5, 6;

update rollup_days r
set units_cancelled = c.units
from (
    select store_id, day,
           case grouping(channel, country, category, sku)
               when 15 then 'all' when 7 then 'channel' when 11 then 'country' when 13 then 'category' else 'product' end as dim,
           coalesce(channel, country, category, sku, '') as value, sum(units) as units
    from cancelled_units
    group by grouping sets ((store_id, day), (store_id, day, channel), (store_id, day, country), (store_id, day, category), (store_id, day, sku))
) c
where r.store_id = c.store_id and r.dim = c.dim and r.day = c.day and r.value = c.value;

update product_weeks w
set units_cancelled = c.units
from (
    select c.store_id, week_begin(c.day, s.week_start) as week, c.sku, sum(c.units) as units
    from cancelled_units c join stores s on s.id = c.store_id
    group by 1, 2, 3
) c
where w.store_id = c.store_id and w.week = c.week and w.sku = c.sku;
