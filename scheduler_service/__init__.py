"""The program beside the clock: it records due runs, starts workers, enforces time-outs and publishes results."""
