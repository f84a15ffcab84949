"""Who the customers are: segments by recency, frequency and value (RFM), how they move, and how few make most of the sales."""
