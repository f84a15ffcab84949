"""Exports over HTTP: ask for one, see how far it is, fetch the file."""
