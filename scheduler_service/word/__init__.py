"""Word of what happened: what is owed, what it says, and how it gets to the channels that an operator named."""
