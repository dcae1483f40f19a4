"""The live monitor of `tornado_websockets` inside Django's admin."""
