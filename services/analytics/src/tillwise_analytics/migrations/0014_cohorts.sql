-- Cohorts: what the customers who bought first in a week or month did in each week or month since, and how long customers
-- wait between two days with an order. Kept by the settling of customers (settling/cohorts.sql).

-- A customer is in the cohort of the week and of the month that hold the first day with an order (of those not cancelled in
-- net), and in one group of each dim: channel, country and main category of the first order. Days before that day (returns
-- of what was bought before there were data) are in no cell. A bucket in which a customer only got money back counts in its
-- money and not among its customers.
create table cohort_cells (
    store_id integer not null,
    basis text collate "C" not null,
    -- week (by the store's first day of the week) or month.
    grain text collate "C" not null,
    -- all, channel, country or category; value '' is "not given", and of `all` it is ''.
    dim text collate "C" not null,
    -- The first day of the week or month of the first order, and of the one told about.
    cohort date not null,
    value text collate "C" not null,
    bucket date not null,
    -- Who had an order in it; in the cohort's own bucket that is everybody.
    customers bigint not null,
    -- Whose last order so far lies in it: who came back in a bucket or later is the sum from it on.
    lasts bigint not null,
    orders bigint not null,
    sales bigint not null,
    -- Net sales whose cost is known, less that cost, in both bases.
    margin bigint not null,
    primary key (store_id, basis, grain, dim, cohort, value, bucket)
) with (fillfactor = 70);

-- How often a customer's next day with an order came so many days after one.
create table rollup_gaps (
    store_id integer not null,
    basis text collate "C" not null,
    dim text collate "C" not null,
    value text collate "C" not null,
    gap_days integer not null,
    count bigint not null,
    primary key (store_id, basis, dim, value, gap_days)
) with (fillfactor = 70);

-- How many customers ordered last on each day: their next order is still to come.
create table rollup_last_days (
    store_id integer not null,
    basis text collate "C" not null,
    dim text collate "C" not null,
    value text collate "C" not null,
    last_day date not null,
    customers bigint not null,
    primary key (store_id, basis, dim, value, last_day)
) with (fillfactor = 70);

do $$
declare name text;
begin
    foreach name in array array['cohort_cells', 'rollup_gaps', 'rollup_last_days'] loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy one_store on %I for select to tillwise_reader'
            ' using (store_id = nullif(current_setting(''tillwise.store_id'', true), '''')::integer)', name);
        execute format('grant select on %I to tillwise_reader', name);
    end loop;
end
$$;

-- The members of a cohort.
create index customer_profiles_by_first_day on customer_profiles (store_id, basis, first_day);

-- Customers who were settled before there were cohorts, as they were settled: their days less what still waits.
create temp table settled_days on commit drop as
select d.store_id, d.customer_id, b.basis, d.day, b.orders, b.sales,
       d.sales_net - d.uncosted_net - d.cost_net - coalesce(c.margin, 0) as margin
from customer_days d
left join (
    select store_id, customer_id, day, sum(orders_gross) as orders_gross, sum(orders_net) as orders_net,
           sum(sales_gross) as sales_gross, sum(sales_net) as sales_net, sum(margin) as margin
    from customer_changes
    group by store_id, customer_id, day
) c using (store_id, customer_id, day)
cross join lateral (values
    ('gross', d.orders_gross - coalesce(c.orders_gross, 0), d.sales_gross - coalesce(c.sales_gross, 0)),
    ('net', d.orders_net - coalesce(c.orders_net, 0), d.sales_net - coalesce(c.sales_net, 0))
) as b (basis, orders, sales);

-- How many there are decides how they are joined.
analyze settled_days;

create temp table settled_buckets on commit drop as
select p.store_id, p.basis, p.customer_id, g.grain, g.cohort, g.bucket, p.channel, p.country, p.category, g.bucket = g.last_bucket as is_last,
       sum(d.orders) as orders, sum(d.sales) as sales, sum(d.margin) as margin
from customer_profiles p
join stores s on s.id = p.store_id
join settled_days d on d.store_id = p.store_id and d.basis = p.basis and d.customer_id = p.customer_id and d.day >= p.first_day
cross join lateral (values
    ('week', week_begin(p.first_day, s.week_start), week_begin(d.day, s.week_start), week_begin(p.last_day, s.week_start)),
    ('month', month_begin(p.first_day), month_begin(d.day), month_begin(p.last_day))
) as g (grain, cohort, bucket, last_bucket)
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;

analyze settled_buckets;

insert into cohort_cells (store_id, basis, grain, dim, cohort, value, bucket, customers, lasts, orders, sales, margin)
select store_id, basis, grain, case grouping(channel, country, category) when 7 then 'all' when 3 then 'channel' when 5 then 'country' else 'category' end,
       cohort, coalesce(channel, country, category, ''), bucket,
       count(*) filter (where orders > 0), count(*) filter (where is_last), sum(orders), sum(sales), sum(margin)
from settled_buckets
group by grouping sets ((store_id, basis, grain, cohort, bucket), (store_id, basis, grain, cohort, bucket, channel),
                        (store_id, basis, grain, cohort, bucket, country), (store_id, basis, grain, cohort, bucket, category));

insert into rollup_gaps (store_id, basis, dim, value, gap_days, count)
select store_id, basis, case grouping(channel, country, category) when 7 then 'all' when 3 then 'channel' when 5 then 'country' else 'category' end,
       coalesce(channel, country, category, ''), gap, count(*)
from (
    select p.store_id, p.basis, p.channel, p.country, p.category,
           d.day - lag(d.day) over (partition by p.store_id, p.basis, p.customer_id order by d.day) as gap
    from customer_profiles p
    join settled_days d on d.store_id = p.store_id and d.basis = p.basis and d.customer_id = p.customer_id and d.orders > 0
) gaps
where gap is not null
group by grouping sets ((store_id, basis, gap), (store_id, basis, gap, channel), (store_id, basis, gap, country), (store_id, basis, gap, category));

insert into rollup_last_days (store_id, basis, dim, value, last_day, customers)
select store_id, basis, case grouping(channel, country, category) when 7 then 'all' when 3 then 'channel' when 5 then 'country' else 'category' end,
       coalesce(channel, country, category, ''), last_day, count(*)
from customer_profiles
group by grouping sets ((store_id, basis, last_day), (store_id, basis, last_day, channel), (store_id, basis, last_day, country),
                        (store_id, basis, last_day, category));
