"""Do customers come back? Cohorts by first order, what is left of them later, and how long customers wait between orders."""
