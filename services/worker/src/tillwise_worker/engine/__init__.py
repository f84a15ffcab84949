"""What arq's worker lacks: leases, batches, back-off, priorities, limits over all workers, flows, schedules."""
