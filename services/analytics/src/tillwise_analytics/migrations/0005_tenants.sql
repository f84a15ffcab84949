-- The second wall between stores: reports read as tillwise_reader, which sees the rows of one store only,
-- the one named by `set local tillwise.store_id`. Without it, it sees none.

do $$
begin
    if not exists (select from pg_roles where rolname = 'tillwise_reader') then
        create role tillwise_reader nologin;
    end if;
    execute format('grant tillwise_reader to %I', current_user);
end
$$;

grant usage on schema analytics to tillwise_reader;
grant select on all tables in schema analytics to tillwise_reader;

do $$
declare name text;
begin
    foreach name in array array[
        'events', 'event_lines', 'orders', 'refunds', 'products', 'customers',
        'rollup_hours', 'rollup_days', 'customer_days', 'rollup_customers'
    ] loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy one_store on %I for select to tillwise_reader'
            ' using (store_id = nullif(current_setting(''tillwise.store_id'', true), '''')::integer)', name);
    end loop;
end
$$;

alter table stores enable row level security;
create policy one_store on stores for select to tillwise_reader
    using (id = nullif(current_setting('tillwise.store_id', true), '')::integer);

-- Views look through the rights of whoever asks, not of their owner.
alter view sale_entries set (security_invoker = true);
alter view refund_entries set (security_invoker = true);
