"""HTTP for all services: the application base, middlewares, problem details, probes."""
