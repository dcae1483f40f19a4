"""What happens to runs, live: to the pages of the admin, and to those of the project."""
