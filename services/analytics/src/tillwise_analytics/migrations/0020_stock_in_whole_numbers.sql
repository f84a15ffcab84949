-- Values and times of stock in whole numbers, which sum in a third of the time; what is multiplied with time is in seconds now, not
-- microseconds. What is absurd, beyond 2^63, is that number: the states keep the true one. All of it follows from the movements and
-- is settled anew.
truncate stock_states, stock_skus, stock_levels, stock_layers, stock_outs, stock_days, stock_place_days, stock_weeks;

do $$
declare name text;
begin
    foreach name in array array['stock_skus', 'stock_levels', 'stock_days', 'stock_place_days', 'stock_weeks'] loop
        execute format('alter table %I alter value type bigint, alter cost type bigint, alter on_hand_time type bigint, alter value_time type bigint', name);
    end loop;
    foreach name in array array['stock_skus', 'stock_days', 'stock_weeks'] loop
        execute format('alter table %I alter average_value type bigint', name);
    end loop;
end
$$;

insert into stock_changes (store_id, sku, at, event_id)
select store_id, subject, min(occurred_at), '' from events where type in ('stock.moved', 'stock.counted') group by store_id, subject;
