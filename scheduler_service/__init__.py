"""What runs beside the clock: it records what is due, starts workers, enforces time-outs and publishes results."""
