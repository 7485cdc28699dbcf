"""Files whose time is over go."""
