"""Reports over HTTP: the gateway asks, analytics answers."""
