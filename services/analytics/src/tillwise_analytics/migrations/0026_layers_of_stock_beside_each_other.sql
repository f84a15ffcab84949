-- What lies where, since when (microseconds), as which delivery of the product and at what cost per unit (null: unknown): one row for
-- each place, and for what is on its way, with its layers beside each other, oldest first. Read many times faster than a row a layer.
alter table stock_layers rename to stock_layers_before;
alter table stock_layers_before rename constraint stock_layers_pkey to stock_layers_before_pkey;

create table stock_layers (
    store_id integer not null,
    sku text collate "C" not null,
    in_transit boolean not null,
    location text collate "C" not null,
    received bigint[] not null,
    serials bigint[] not null,
    quantities bigint[] not null,
    unit_costs bigint[] not null,
    primary key (store_id, sku, in_transit, location)
);

insert into stock_layers
select store_id, sku, in_transit, location, array_agg((extract(epoch from received_at) * 1000000)::bigint order by number),
       array_agg(serial order by number), array_agg(quantity order by number), array_agg(unit_cost order by number)
from stock_layers_before
group by store_id, sku, in_transit, location;

drop table stock_layers_before;

alter table stock_layers enable row level security;
create policy one_store on stock_layers for select to tillwise_reader
    using (store_id = nullif(current_setting('tillwise.store_id', true), '')::integer);
grant select on stock_layers to tillwise_reader;
