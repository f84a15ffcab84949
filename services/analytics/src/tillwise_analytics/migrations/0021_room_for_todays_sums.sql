-- Today's sums are updated with every order: room in their pages keeps the updates out of the indexes.
alter table rollup_days set (fillfactor = 70);
alter table rollup_hours set (fillfactor = 50);

-- Numbers for notes a hundred at a time.
alter table customer_changes alter column id set cache 100;
alter table stock_changes alter column id set cache 100;
