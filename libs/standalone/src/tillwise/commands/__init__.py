"""The sub-commands of `tillwise`, one a file."""
