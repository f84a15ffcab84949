"""Exports: reports and data sets as files, made while nobody waits."""
