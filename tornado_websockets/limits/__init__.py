"""How much one client, one address and all of them may ask for."""
