"""The work of a run: what goes through its objects, what its body tells, and who hears of it."""
