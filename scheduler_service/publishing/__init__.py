"""Outputs go to their addresses, and come back from them, in an order in which nobody meets a half of them."""
