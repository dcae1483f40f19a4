"""What one process, ten and a thousand of them carry: arithmetic, and simulations of it."""
