"""Jobs: long work that a worker does later, with retries, priorities, schedules and flows. `docs/jobs.md` says how to use them."""
