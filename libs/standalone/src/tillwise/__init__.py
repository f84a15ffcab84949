"""The tillwise command: everything on one machine."""
