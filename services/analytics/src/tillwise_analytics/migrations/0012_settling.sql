-- What the intake leaves for later: which customers and products changed, and by how much. Derived tables that are costly
-- to keep (cohorts, stock) are settled from these in the background, and before a report that reads them.

create table customer_changes (
    store_id integer not null,
    customer_id text collate "C" not null,
    id bigint generated always as identity,
    day date not null,
    orders_gross bigint not null,
    orders_net bigint not null,
    sales_gross bigint not null,
    sales_net bigint not null,
    margin bigint not null,
    primary key (store_id, customer_id, id)
);

create table stock_changes (
    store_id integer not null,
    sku text collate "C" not null,
    id bigint generated always as identity,
    -- Where in the product's history something is new.
    at timestamptz not null,
    event_id text collate "C" not null,
    primary key (store_id, sku, id)
);

create index events_of_stock on events (store_id, subject, occurred_at, event_id) where type in ('stock.moved', 'stock.counted');

-- Net sales whose cost nobody knows: margin is known for the rest.
alter table customer_days add column uncosted_net bigint not null default 0;
update customer_days c
set uncosted_net = e.uncosted_net
from (
    select e.store_id, e.customer_id, (e.at at time zone s.timezone)::date as day, sum(e.uncosted_net) as uncosted_net
    from (select * from sale_entries union all select * from refund_entries) e
    join stores s on s.id = e.store_id
    where e.customer_id is not null and e.uncosted_net <> 0
    group by 1, 2, 3
) e
where c.store_id = e.store_id and c.customer_id = e.customer_id and c.day = e.day;

-- What each customer is, by what counts: gross or net. A customer without an order has no row.
create table customer_profiles (
    store_id integer not null,
    basis text collate "C" not null,
    customer_id text collate "C" not null,
    first_day date not null,
    last_day date not null,
    orders bigint not null,
    -- Different days with an order.
    days bigint not null,
    sales bigint not null,
    -- Net sales whose cost is known, less that cost, in both bases.
    margin bigint not null,
    -- Of the first order: '' is "not given". The category is the one on which most was spent.
    channel text collate "C" not null,
    country text collate "C" not null,
    category text collate "C" not null,
    primary key (store_id, basis, customer_id)
) with (fillfactor = 80);

do $$
declare name text;
begin
    foreach name in array array['customer_profiles', 'customer_changes', 'stock_changes'] loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy one_store on %I for select to tillwise_reader'
            ' using (store_id = nullif(current_setting(''tillwise.store_id'', true), '''')::integer)', name);
        execute format('grant select on %I to tillwise_reader', name);
    end loop;
end
$$;

-- All that is there already is new to them.
insert into customer_changes (store_id, customer_id, day, orders_gross, orders_net, sales_gross, sales_net, margin)
select store_id, customer_id, day, orders_gross, orders_net, sales_gross, sales_net, sales_net - uncosted_net - cost_net from customer_days;

insert into stock_changes (store_id, sku, at, event_id)
select store_id, subject, min(occurred_at), '' from events where type in ('stock.moved', 'stock.counted') group by store_id, subject;
