"""Ways in which a finished file reaches somebody."""
