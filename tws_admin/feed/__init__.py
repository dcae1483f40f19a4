"""What viewers see: read from the core, kept as history, and sent as ticks."""
