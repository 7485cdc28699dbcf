"""The times at which a schedule is due, the runs that it owes, and the order in which runs get a place: pure."""
