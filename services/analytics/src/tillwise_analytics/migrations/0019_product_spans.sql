-- When each product was ordered first and last: of all orders, and of those not cancelled.
create table product_spans (
    store_id integer not null,
    sku text collate "C" not null,
    first_gross date,
    last_gross date,
    first_net date,
    last_net date,
    primary key (store_id, sku)
) with (fillfactor = 70);

insert into product_spans
select store_id, value,
       min(day) filter (where orders_gross > 0), max(day) filter (where orders_gross > 0),
       min(day) filter (where orders_net > 0), max(day) filter (where orders_net > 0)
from rollup_days
where dim = 'product' and orders_gross > 0
group by store_id, value;

alter table product_spans enable row level security;
create policy one_store on product_spans for select to tillwise_reader
    using (store_id = nullif(current_setting('tillwise.store_id', true), '')::integer);
grant select on product_spans to tillwise_reader;

-- Like sum(), but the sum of bigints is a bigint: a third quicker where many groups are summed.
create aggregate total (bigint) (sfunc = int8pl, stype = bigint, combinefunc = int8pl, parallel = safe);
