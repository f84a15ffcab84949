"""What sells, what earns, and how steadily: ABC by value, XYZ by variability."""
