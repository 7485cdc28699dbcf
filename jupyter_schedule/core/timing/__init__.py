"""When a schedule is due, what it owes up to now, and in which order runs get a place: pure."""
