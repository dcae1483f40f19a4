"""What the server promises for bad days, tried on real processes: ``make torture``."""
