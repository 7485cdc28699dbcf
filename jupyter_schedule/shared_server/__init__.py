"""One server for many people: the API alone, asked by whom a token or a Hub vouches for."""
