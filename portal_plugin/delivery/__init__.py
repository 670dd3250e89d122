"""What leaves the house, after the change that caused it was committed."""
