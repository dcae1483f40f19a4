"""A Django project as the product's users have one, for measuring."""
