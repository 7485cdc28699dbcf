"""Where runs can take place, on which machines, and what those cost."""
