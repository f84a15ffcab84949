"""The reports: one folder each, one line in the registry."""
