"""What to order now, how much of it, and from whom."""
