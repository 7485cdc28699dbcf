"""What others do with the same task."""
