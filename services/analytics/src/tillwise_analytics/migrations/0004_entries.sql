-- The one definition of what counts how. Rollups sum these entries, rebuild sums them again, and a report that
-- no rollup answers sums them too.

-- An order's lines, on the day the order was placed.
create view sale_entries as
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
    case when o.cancelled_at is null then greatest(-l.quantity, 0) * l.unit_price else 0 end as refunds
from orders o
join event_lines l on l.store_id = o.store_id and l.event_id = o.event_id
left join products p on l.category is null and p.store_id = l.store_id and p.sku = l.sku
where o.placed_at is not null;

-- Refunds, on the day of the refund, with the channel, country and customer of their order. Lines say what was
-- refunded; a refund without lines counts its amount and no product.
create view refund_entries as
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
    case when o.cancelled_at is null then coalesce(l.amount, r.amount, 0) else 0 end as refunds
from refunds r
left join orders o on o.store_id = r.store_id and o.order_id = r.order_id
left join event_lines l on l.store_id = r.store_id and l.event_id = r.event_id
left join lateral (
    -- The category under which the order sold it.
    select min(sold.category) as category
    from event_lines sold
    where sold.store_id = o.store_id and sold.event_id = o.event_id and sold.sku = l.sku
) s on true
left join products p on p.store_id = l.store_id and p.sku = l.sku;

-- The instant at which the hour of the store's wall clock began that holds `at`.
create function hour_start(at timestamptz, zone text) returns timestamptz
language sql stable parallel safe
return at - ((at at time zone zone) - date_trunc('hour', at at time zone zone));

-- The first day of the week that holds `day`. Plain arithmetic from a Monday (Sunday), because it runs for every
-- order; 700,000 days before it lies no date that an event may have.
create function week_begin(day date, starts text) returns date
language sql immutable parallel safe
return day - (day - case when starts = 'sunday' then date '2000-12-31' else date '2001-01-01' end + 700000) % 7;

-- The first day of the month that holds `day`.
create function month_begin(day date) returns date
language sql immutable parallel safe
return day - date_part('day', day)::integer + 1;
