"""Stock: what lies where, since when and at what cost, from movements and counts replayed in the order in which they happened."""
