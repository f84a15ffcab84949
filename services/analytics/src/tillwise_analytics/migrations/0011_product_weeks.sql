-- Weeks of products, by the store's first day of the week: a year of all products in a fiftieth of the rows.
create table product_weeks (
    store_id integer not null,
    week date not null,
    sku text collate "C" not null,
    orders_gross bigint not null default 0,
    orders_net bigint not null default 0,
    units_gross bigint not null default 0,
    units_net bigint not null default 0,
    sales_gross bigint not null default 0,
    sales_net bigint not null default 0,
    discounts bigint not null default 0,
    refunds bigint not null default 0,
    cost_gross bigint not null default 0,
    cost_net bigint not null default 0,
    uncosted_net bigint not null default 0,
    primary key (store_id, week, sku)
) with (fillfactor = 80);

insert into product_weeks
select d.store_id, week_begin(d.day, s.week_start), d.value,
       sum(orders_gross), sum(orders_net), sum(units_gross), sum(units_net), sum(sales_gross), sum(sales_net),
       sum(discounts), sum(refunds), sum(cost_gross), sum(cost_net), sum(uncosted_net)
from rollup_days d
join stores s on s.id = d.store_id
where d.dim = 'product'
group by 1, 2, 3;

alter table product_weeks enable row level security;
create policy one_store on product_weeks for select to tillwise_reader
    using (store_id = nullif(current_setting('tillwise.store_id', true), '')::integer);
grant select on product_weeks to tillwise_reader;

-- A product's own days: when it sold first and last, and its demand day by day.
create index rollup_days_of_product on rollup_days (store_id, value, day) where dim = 'product';

-- The category that the line gave which named the product last, for products that nobody described.
alter table products add column seen_category text;
update products p
set seen_category = (
    select l.category from event_lines l
    where l.store_id = p.store_id and l.event_id = p.seen_event_id and l.sku = p.sku and l.name is not null
    order by l.line_no desc limit 1
)
where p.seen_event_id is not null;
