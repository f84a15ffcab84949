"""What every Tillwise service shares."""
