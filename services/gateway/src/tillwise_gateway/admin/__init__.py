"""What the platform's admin may do."""
