"""A report's answer in other forms than JSON."""
