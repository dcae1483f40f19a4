"""Long work that staff start from admin actions: runs, where they run, and who sees them."""
