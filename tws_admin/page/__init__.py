"""What the server writes into the page of the monitor."""
