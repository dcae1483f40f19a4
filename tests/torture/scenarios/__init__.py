"""The scenarios: each tries one kind of bad day, and reports what was seen."""
