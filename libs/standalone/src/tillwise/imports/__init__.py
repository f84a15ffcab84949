"""Files into events: read a file, make events of it, send them like any client."""
