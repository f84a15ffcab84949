"""PostgreSQL: the pool, SQL from files, migrations."""
