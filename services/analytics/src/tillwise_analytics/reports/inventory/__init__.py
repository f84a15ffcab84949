"""What lies in stock, what it is worth, how long it lasts, and what running out costs."""
