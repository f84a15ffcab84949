"""The queue dashboard: what operators see of the worker's jobs and do to them, as an API and as pages. `docs/queues.md` tells of it."""
