-- How customers spread over what the segments ask of them: how lately, how often and for how much they bought. Kept by the
-- settling of customers (settling/histograms.sql), so that a question about all of them reads some thousand rows.

-- Customers by the day of their last order and the number of their orders (part "cell"), by that day alone ("day", orders 0) and by
-- that number alone ("orders", last_day -infinity).
create table customer_histogram (
    store_id integer not null,
    basis text collate "C" not null,
    part text collate "C" not null,
    last_day date not null,
    orders bigint not null,
    customers bigint not null,
    sales bigint not null,
    -- Net sales whose cost is known, less that cost, in both bases.
    margin bigint not null,
    primary key (store_id, basis, part, last_day, orders)
) with (fillfactor = 80);

-- The end towards 0 of the bin that holds an amount: its first seven binary digits. So a bin is as wide as 1/64 of what is in it
-- at most, amounts below 128 have one each, and 0 is alone.
create function value_bin(value bigint) returns bigint language sql immutable parallel safe as $$
    select case when value < 0 then -1 else 1 end * (abs(value) - abs(value) % (1::bigint << width_bucket(abs(value), '{
        128,256,512,1024,2048,4096,8192,16384,32768,65536,131072,262144,524288,1048576,2097152,4194304,8388608,
        16777216,33554432,67108864,134217728,268435456,536870912,1073741824,2147483648,4294967296,8589934592,
        17179869184,34359738368,68719476736,137438953472,274877906944,549755813888,1099511627776,2199023255552,
        4398046511104,8796093022208,17592186044416,35184372088832,70368744177664,140737488355328,281474976710656,
        562949953421312,1125899906842624,2251799813685248,4503599627370496,9007199254740992,18014398509481984,
        36028797018963968,72057594037927936,144115188075855872,288230376151711744,576460752303423488,
        1152921504606846976,2305843009213693952,4611686018427387904}'::bigint[])))
$$;

-- Customers by what they spent.
create table customer_values (
    store_id integer not null,
    basis text collate "C" not null,
    bin bigint not null,
    customers bigint not null,
    sales bigint not null,
    primary key (store_id, basis, bin)
) with (fillfactor = 70);

-- What lies in one bin is read from here.
create index customer_profiles_by_sales on customer_profiles (store_id, basis, sales);

do $$
declare name text;
begin
    foreach name in array array['customer_histogram', 'customer_values'] loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy one_store on %I for select to tillwise_reader'
            ' using (store_id = nullif(current_setting(''tillwise.store_id'', true), '''')::integer)', name);
        execute format('grant select on %I to tillwise_reader', name);
    end loop;
end
$$;

-- The customers of a store with an order until a day, as their orders and refunds until then make them (as they are known now);
-- without a day, as they are. Channel, country and category are those of their first order.
create function customers_as_of(store integer, of_basis text, until_day date) returns table (
    customer_id text, first_day date, last_day date, orders bigint, sales bigint, margin bigint, channel text, country text, category text
) language sql stable parallel safe as $$
    select p.customer_id, p.first_day, p.last_day, p.orders, p.sales, p.margin, p.channel, p.country, p.category
    from analytics.customer_profiles p
    where p.store_id = $1 and p.basis = $2 and $3 is null
    union all
    select d.customer_id, p.first_day, d.last_day, d.orders, d.sales, d.margin, p.channel, p.country, p.category
    from (
        select c.customer_id, max(c.day) filter (where case when $2 = 'gross' then c.orders_gross else c.orders_net end > 0) as last_day,
               sum(case when $2 = 'gross' then c.orders_gross else c.orders_net end)::bigint as orders,
               sum(case when $2 = 'gross' then c.sales_gross else c.sales_net end)::bigint as sales,
               sum(c.sales_net - c.uncosted_net - c.cost_net)::bigint as margin
        from analytics.customer_days c
        where c.store_id = $1 and c.day <= $3
        group by c.customer_id
    ) d
    join analytics.customer_profiles p on p.store_id = $1 and p.basis = $2 and p.customer_id = d.customer_id
    where d.orders > 0
$$;

-- Whom the profiles know already.
insert into customer_histogram (store_id, basis, part, last_day, orders, customers, sales, margin)
select store_id, basis, case grouping(last_day, orders) when 0 then 'cell' when 1 then 'day' else 'orders' end,
       coalesce(last_day, '-infinity'), coalesce(orders, 0), count(*), sum(sales), sum(margin)
from customer_profiles
group by grouping sets ((store_id, basis, last_day, orders), (store_id, basis, last_day), (store_id, basis, orders));

insert into customer_values (store_id, basis, bin, customers, sales)
select store_id, basis, value_bin(sales), count(*), sum(sales) from customer_profiles group by 1, 2, 3;
