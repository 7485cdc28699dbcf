"""What starts, polls and ends workers: one module per launcher, `base.py` the contract they share."""
