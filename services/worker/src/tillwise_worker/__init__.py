"""The long work of Tillwise: jobs and schedules."""
