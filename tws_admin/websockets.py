"""What the server imports: the WebSocket of the monitor is registered here."""
