"""A demo store with a year of believable data."""
