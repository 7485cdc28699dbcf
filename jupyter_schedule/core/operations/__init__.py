"""The operations that a person can ask for; the rights of that person are checked here."""
