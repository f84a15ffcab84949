"""What customers are worth: so far, and by a model of purchases and spend over the time to come."""
