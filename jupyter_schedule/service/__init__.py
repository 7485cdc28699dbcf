"""The scheduler service, as whoever starts it sees it: a child of a notebook server, or a unit of the user's own."""
