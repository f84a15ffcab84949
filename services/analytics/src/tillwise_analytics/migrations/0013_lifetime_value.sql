-- What customers are worth by the models of the last refit. Each refit replaces the rows of its store and basis; the facts know
-- nothing of them, so `tillwise rebuild` leaves them alone.

create table ltv_models (
    store_id integer not null,
    basis text collate "C" not null,
    fitted_at timestamptz not null,
    -- The store's version whose data were fitted: as long as it is the store's version, the model is up to date.
    data_version bigint not null,
    -- Parameters, span and check (reports/ltv/terms.py).
    model jsonb not null,
    primary key (store_id, basis)
);

-- Each customer at the end of the fitted span, and what is expected of them in the default horizon. `spend`: of repeat purchases.
create table ltv_customers (
    store_id integer not null,
    basis text collate "C" not null,
    customer_id text collate "C" not null,
    first_day integer not null,
    last_day integer not null,
    repeats integer not null,
    spend bigint not null,
    sales bigint not null,
    margin bigint not null,
    alive double precision,
    purchases double precision,
    mean_spend double precision,
    expected_sales double precision,
    discounted double precision,
    segment text,
    primary key (store_id, basis, customer_id)
);

create index ltv_customers_by_value on ltv_customers (store_id, basis, discounted desc nulls last, customer_id);

-- Sums of the same over the store, its cohorts and its segments.
create table ltv_groups (
    store_id integer not null,
    basis text collate "C" not null,
    level text collate "C" not null,
    key text collate "C" not null,
    customers bigint not null,
    repeats bigint not null,
    sales bigint not null,
    margin bigint not null,
    alive double precision,
    purchases double precision,
    expected_sales double precision,
    discounted double precision,
    primary key (store_id, basis, level, key)
);

do $$
declare name text;
begin
    foreach name in array array['ltv_models', 'ltv_customers', 'ltv_groups'] loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy one_store on %I for select to tillwise_reader'
            ' using (store_id = nullif(current_setting(''tillwise.store_id'', true), '''')::integer)', name);
        execute format('grant select on %I to tillwise_reader', name);
    end loop;
end
$$;
