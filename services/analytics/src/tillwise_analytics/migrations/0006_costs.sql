-- What goods cost, so that reports can speak of margin. A line's cost is the one it states; else the product's as last
-- stated when the order was placed; else the first one ever stated; else nobody knows it.

create table product_costs (
    store_id integer not null,
    sku text collate "C" not null,
    valid_from timestamptz not null,
    event_id text collate "C" not null,
    unit_cost bigint not null,
    primary key (store_id, sku, valid_from, event_id)
);

insert into product_costs
select store_id, subject, occurred_at, event_id, (attributes ->> 'unit_cost')::bigint
from events
where type = 'product.updated' and attributes ->> 'unit_cost' is not null;

alter table product_costs enable row level security;
create policy one_store on product_costs for select to tillwise_reader
    using (store_id = nullif(current_setting('tillwise.store_id', true), '')::integer);
grant select on product_costs to tillwise_reader;

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
    where c.store_id = o.store_id and c.sku = l.sku and c.valid_from <= o.placed_at
    order by c.valid_from desc, c.event_id desc limit 1
) b on l.unit_cost is null
left join lateral (
    -- As first stated.
    select c.unit_cost from product_costs c
    where c.store_id = o.store_id and c.sku = l.sku
    order by c.valid_from, c.event_id limit 1
) a on l.unit_cost is null and b.unit_cost is null
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
    case when o.cancelled_at is null and l.sku is not null and s.unit_cost is null then -coalesce(l.amount, 0) else 0 end as uncosted_net
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

-- uncosted_net: the part of sales_net whose cost nobody stated; margin is known for the rest only.
alter table rollup_days
    add column cost_gross bigint not null default 0,
    add column cost_net bigint not null default 0,
    add column uncosted_net bigint not null default 0;
alter table customer_days
    add column sales_gross bigint not null default 0,
    add column sales_net bigint not null default 0,
    add column cost_gross bigint not null default 0,
    add column cost_net bigint not null default 0;

-- What is there already is summed once.
create temp table old_entries on commit drop as
select e.store_id, (e.at at time zone s.timezone)::date as day, e.customer_id, e.channel, e.country, e.category, e.sku,
       e.sales_gross, e.sales_net, e.cost_gross, e.cost_net, e.uncosted_net
from (select * from sale_entries union all select * from refund_entries) e
join stores s on s.id = e.store_id;

update rollup_days r
set cost_gross = e.cost_gross, cost_net = e.cost_net, uncosted_net = e.uncosted_net
from (
    select store_id, day,
           case grouping(channel, country, category, sku)
               when 15 then 'all' when 7 then 'channel' when 11 then 'country' when 13 then 'category' else 'product' end as dim,
           coalesce(channel, country, category, sku, '') as value,
           sum(cost_gross) as cost_gross, sum(cost_net) as cost_net, sum(uncosted_net) as uncosted_net
    from old_entries
    group by grouping sets ((store_id, day), (store_id, day, channel), (store_id, day, country), (store_id, day, category), (store_id, day, sku))
) e
where r.store_id = e.store_id and r.dim = e.dim and r.day = e.day and r.value = e.value;

insert into customer_days as c (store_id, customer_id, day, sales_gross, sales_net, cost_gross, cost_net)
select store_id, customer_id, day, sum(sales_gross), sum(sales_net), sum(cost_gross), sum(cost_net)
from old_entries
where customer_id is not null
group by store_id, customer_id, day
on conflict (store_id, customer_id, day) do update set
    sales_gross = excluded.sales_gross, sales_net = excluded.sales_net, cost_gross = excluded.cost_gross, cost_net = excluded.cost_net;
