-- What the movements and counts of each product add up to; kept by the settling, product by product, from their whole history.
-- The figures run: what happened between two moments is the difference of two rows. Times are in microseconds. Values and what is
-- multiplied with time are numeric, because absurd quantities must not break anything.

-- How far a product's history is replayed, and what goes on from there.
create table stock_states (
    store_id integer not null,
    sku text collate "C" not null,
    last_at timestamptz not null,
    movements bigint not null,
    -- How many statements of the product's cost lie before last_at, and which is the first of all: others mean a new replay.
    costs bigint not null,
    first_cost text collate "C",
    state text not null,
    primary key (store_id, sku)
);

-- Each product as it is now.
create table stock_skus (
    store_id integer not null,
    sku text collate "C" not null,
    -- The last movement.
    at timestamptz not null,
    on_hand bigint not null,
    -- First in, first out, of units whose cost is known; how many units have an unknown one.
    value numeric not null,
    unknown bigint not null,
    received bigint not null,
    sold bigint not null,
    returned bigint not null,
    -- Of what was sold, less what came back; units of unknown cost.
    cost numeric not null,
    uncosted bigint not null,
    -- Units and value times how long they lay there, how long there were none, and how long exactly
    -- none, not less; since the first that came or was counted.
    on_hand_time numeric not null,
    value_time numeric not null,
    out_time bigint not null,
    empty_time bigint not null,
    -- Between places: not on hand, and still ours.
    in_transit bigint not null,
    -- The moving average: what units of known cost are worth.
    average_quantity bigint not null,
    average_value numeric not null,
    since timestamptz,
    last_receipt timestamptz,
    last_sale timestamptz,
    last_count timestamptz,
    primary key (store_id, sku)
);

-- The same for each place; '' is "no location given".
create table stock_levels (
    store_id integer not null,
    sku text collate "C" not null,
    location text collate "C" not null,
    at timestamptz not null,
    on_hand bigint not null,
    value numeric not null,
    unknown bigint not null,
    received bigint not null,
    sold bigint not null,
    returned bigint not null,
    cost numeric not null,
    uncosted bigint not null,
    on_hand_time numeric not null,
    value_time numeric not null,
    out_time bigint not null,
    empty_time bigint not null,
    since timestamptz,
    last_receipt timestamptz,
    last_sale timestamptz,
    last_count timestamptz,
    primary key (store_id, sku, location)
);

-- What lies where, since when, at what cost per unit (null: unknown).
create table stock_layers (
    store_id integer not null,
    sku text collate "C" not null,
    in_transit boolean not null,
    location text collate "C" not null,
    -- The place in the queue: a product's deliveries are numbered.
    number integer not null,
    serial bigint not null,
    received_at timestamptz not null,
    quantity bigint not null,
    unit_cost bigint,
    primary key (store_id, sku, in_transit, location, number)
);

-- When a product was out of stock, after something came for the first time. until_at null: it is.
create table stock_outs (
    store_id integer not null,
    sku text collate "C" not null,
    since_at timestamptz not null,
    until_at timestamptz,
    primary key (store_id, sku, since_at)
);

-- A product after the last movement of each day that had one.
create table stock_days (
    store_id integer not null,
    sku text collate "C" not null,
    day date not null,
    at timestamptz not null,
    on_hand bigint not null,
    value numeric not null,
    unknown bigint not null,
    received bigint not null,
    sold bigint not null,
    returned bigint not null,
    cost numeric not null,
    uncosted bigint not null,
    on_hand_time numeric not null,
    value_time numeric not null,
    out_time bigint not null,
    empty_time bigint not null,
    in_transit bigint not null,
    average_quantity bigint not null,
    average_value numeric not null,
    primary key (store_id, sku, day)
);

-- The same for each place of products that are in more than one.
create table stock_place_days (
    store_id integer not null,
    sku text collate "C" not null,
    location text collate "C" not null,
    day date not null,
    at timestamptz not null,
    on_hand bigint not null,
    value numeric not null,
    unknown bigint not null,
    received bigint not null,
    sold bigint not null,
    returned bigint not null,
    cost numeric not null,
    uncosted bigint not null,
    on_hand_time numeric not null,
    value_time numeric not null,
    out_time bigint not null,
    empty_time bigint not null,
    primary key (store_id, sku, location, day)
);

-- What each week begins with, from the one after the first movement to the one of the last: the weeks after it begin with what is
-- now. A period that begins with a week is told by one stretch of this table for all products.
create table stock_weeks (
    store_id integer not null,
    week date not null,
    sku text collate "C" not null,
    -- The last movement before.
    at timestamptz not null,
    on_hand bigint not null,
    value numeric not null,
    unknown bigint not null,
    received bigint not null,
    sold bigint not null,
    returned bigint not null,
    cost numeric not null,
    uncosted bigint not null,
    on_hand_time numeric not null,
    value_time numeric not null,
    out_time bigint not null,
    empty_time bigint not null,
    in_transit bigint not null,
    average_quantity bigint not null,
    average_value numeric not null,
    primary key (store_id, week, sku)
);

create index stock_weeks_of_product on stock_weeks (store_id, sku);

do $$
declare name text;
begin
    foreach name in array array[
        'stock_states', 'stock_skus', 'stock_levels', 'stock_layers', 'stock_outs', 'stock_days', 'stock_place_days', 'stock_weeks'
    ] loop
        execute format('alter table %I enable row level security', name);
        execute format(
            'create policy one_store on %I for select to tillwise_reader'
            ' using (store_id = nullif(current_setting(''tillwise.store_id'', true), '''')::integer)', name);
        execute format('grant select on %I to tillwise_reader', name);
    end loop;
end
$$;
