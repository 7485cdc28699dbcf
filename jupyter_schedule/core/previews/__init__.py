"""All that can be said of a schedule before anything happens."""
