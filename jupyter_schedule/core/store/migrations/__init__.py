"""How a database gets from any older shape to today's."""
