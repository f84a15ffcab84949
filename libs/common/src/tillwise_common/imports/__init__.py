"""Files of orders and stock, read as a stream and made into events: what the command and the worker's imports share. No HTTP here."""
