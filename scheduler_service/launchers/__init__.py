"""Launchers start, poll and end workers: one module per launcher, `base.py` the contract they share."""
