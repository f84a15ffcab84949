"""Real servers for tests: `pytest_plugins = ["tillwise.testing.plugin"]`."""
