"""Find what must not become public: secrets, identifiers, rows of single people or events, counts of too few.

Pure: files in, findings out.  `tick` asks before a public schedule's outputs are promoted.
"""
