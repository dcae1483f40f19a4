"""Permissions only: there is no table."""
