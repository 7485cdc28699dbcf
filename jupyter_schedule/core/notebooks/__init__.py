"""Notebooks read as data: their code, parameters, environment, what they use, and how two differ."""
