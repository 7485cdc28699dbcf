"""What the service itself changes about a schedule, as if somebody had asked for it: a pause, a start."""
