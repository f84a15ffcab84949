"""A real PostgreSQL and a real Valkey, from wheels, as children of ours."""
