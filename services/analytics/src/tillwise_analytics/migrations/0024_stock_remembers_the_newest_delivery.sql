-- The state of a place remembers its newest delivery, also after it is used up: states that were saved before do not, and what was
-- found where nothing lay has neither cost nor age in them. All of it follows from the movements and is settled anew.
truncate stock_states, stock_skus, stock_levels, stock_layers, stock_outs, stock_days, stock_place_days, stock_weeks;

insert into stock_changes (store_id, sku, at, event_id)
select store_id, subject, min(occurred_at), '' from events where type in ('stock.moved', 'stock.counted') group by store_id, subject;
