"""Measures of the product beside other servers that do the same work."""
