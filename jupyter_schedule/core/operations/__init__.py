"""What a person can ask for and look at; who may is decided here."""
