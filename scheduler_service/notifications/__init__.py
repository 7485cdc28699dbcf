"""Notifications of what happened: which are due, what they say, and how they get to the operator's channels."""
