"""A shop's history in: files of orders and stock, read as a stream and sent through the public API like any client's events."""
