"""Imports over HTTP: send a file, see how far it is, fetch the lines that could not be used."""
