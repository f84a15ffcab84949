"""Runs the whole platform on one machine: servers and services as children, restarted when they crash."""
