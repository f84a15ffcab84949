"""Derived tables that are brought up to date after the commit: in the background, and before a report that reads them."""
