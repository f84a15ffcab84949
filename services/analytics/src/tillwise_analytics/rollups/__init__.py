"""Sums per bucket, kept in step with the facts: what changed is subtracted as it was and added as it is."""
