-- The newest delivery to a place is the true one also where its arrival was told before its sending. Products with such arrivals are
-- settled anew, from the beginning: a note in the midst of what was replayed says so.
insert into stock_changes (store_id, sku, at, event_id)
select store_id, subject, min(occurred_at), ''
from events
where type in ('stock.moved', 'stock.counted')
group by store_id, subject
having bool_or(reason = 'transfer' and quantity > 0);
