"""What the admin shows of runs, and what is asked of them there."""
