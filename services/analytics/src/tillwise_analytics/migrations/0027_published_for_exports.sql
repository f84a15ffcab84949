-- What other services may read of the facts: views with stable names and columns, and nothing else. Money is in minor units with its
-- currency beside it; times are those of the store's clock. docs/exports.md tells every column.
--
-- The worker reads as tillwise_exporter, which may see these views only. They belong to tillwise_reader and look with its eyes, so that
-- they show the rows of the one store that `set local tillwise.store_id` names.

do $$
begin
    if not exists (select from pg_roles where rolname = 'tillwise_exporter') then
        create role tillwise_exporter nologin;
    end if;
    execute format('grant tillwise_exporter to %I', current_user);
end
$$;

create schema if not exists published;

create view published.orders as
select
    o.order_id,
    date_trunc('second', o.placed_at at time zone s.timezone) as placed_at,
    date_trunc('second', o.cancelled_at at time zone s.timezone) as cancelled_at,
    o.customer_id, o.channel, o.country,
    l.lines, l.units, l.gross, l.discount,
    coalesce(r.refunded, 0)::bigint as refunded,
    e.shipping, e.tax,
    s.currency
from analytics.orders o
join analytics.stores s on s.id = o.store_id
left join analytics.events e on e.store_id = o.store_id and e.event_id = o.event_id
cross join lateral (
    select count(*) as lines, coalesce(sum(quantity), 0)::bigint as units,
           coalesce(sum(quantity * unit_price), 0)::bigint as gross, coalesce(sum(discount), 0)::bigint as discount
    from analytics.event_lines where store_id = o.store_id and event_id = o.event_id
) l
left join lateral (
    select sum(coalesce(f.amount, b.amount)) as refunded
    from analytics.refunds f
    left join lateral (
        select sum(amount) as amount from analytics.event_lines where store_id = f.store_id and event_id = f.event_id
    ) b on true
    where f.store_id = o.store_id and f.order_id = o.order_id
) r on true
where o.placed_at is not null;

create view published.order_lines as
select
    o.order_id, l.line_no,
    date_trunc('second', o.placed_at at time zone s.timezone) as placed_at,
    o.customer_id, o.channel, o.country,
    l.sku, coalesce(l.name, p.name, p.seen_name) as name, coalesce(l.category, p.category) as category,
    l.quantity, l.unit_price, l.discount, l.quantity * l.unit_price - l.discount as amount, l.unit_cost,
    o.cancelled_at is not null as cancelled,
    s.currency
from analytics.orders o
join analytics.stores s on s.id = o.store_id
join analytics.event_lines l on l.store_id = o.store_id and l.event_id = o.event_id
left join analytics.products p on p.store_id = l.store_id and p.sku = l.sku
where o.placed_at is not null;

create view published.customers as
select
    c.customer_id,
    date_trunc('second', c.first_net at time zone s.timezone) as first_order_at,
    d.last_order_on, coalesce(d.orders, 0) as orders, coalesce(d.sales, 0) as sales,
    c.attributes,
    s.currency
from analytics.customers c
join analytics.stores s on s.id = c.store_id
left join (
    select store_id, customer_id, max(day) filter (where orders_net > 0) as last_order_on,
           sum(orders_net)::bigint as orders, sum(sales_net)::bigint as sales
    from analytics.customer_days group by store_id, customer_id
) d on d.store_id = c.store_id and d.customer_id = c.customer_id;

create view published.products as
select
    k.sku, coalesce(p.name, p.seen_name) as name, coalesce(p.category, p.seen_category) as category, p.unit_cost, p.lead_time_days,
    x.first_net as first_sold_on, x.last_net as last_sold_on,
    p.attributes,
    s.currency
from (
    -- Told of, sold, or in stock.
    select store_id, sku from analytics.products
    union select store_id, sku from analytics.product_spans
    union select store_id, sku from analytics.stock_skus
) k
join analytics.stores s on s.id = k.store_id
left join analytics.products p on p.store_id = k.store_id and p.sku = k.sku
left join analytics.product_spans x on x.store_id = k.store_id and x.sku = k.sku;

create view published.stock_movements as
select
    e.event_id,
    date_trunc('second', e.occurred_at at time zone s.timezone) as occurred_at,
    e.subject as sku, e.location,
    case e.type when 'stock.counted' then 'count' else e.reason end as reason,
    e.quantity, e.unit_cost,
    s.currency
from analytics.events e
join analytics.stores s on s.id = e.store_id
where e.type in ('stock.moved', 'stock.counted');

-- Who takes over a view must be able to make one there, for that moment.
grant usage, create on schema published to tillwise_reader;
do $$
declare name text;
begin
    foreach name in array array['orders', 'order_lines', 'customers', 'products', 'stock_movements'] loop
        execute format('alter view published.%I owner to tillwise_reader', name);
        execute format('grant select on published.%I to tillwise_exporter', name);
    end loop;
end
$$;
revoke create on schema published from tillwise_reader;
grant usage on schema published to tillwise_exporter;
