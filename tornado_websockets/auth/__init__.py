"""Who a connection belongs to, from Django's sessions and users, for as long as it lasts."""
