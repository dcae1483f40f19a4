"""What an operator asks and does: queries, closing, sending, the event inspector."""
