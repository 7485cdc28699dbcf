"""Where things are: the work area, the publication areas, and the parts of a publication."""
