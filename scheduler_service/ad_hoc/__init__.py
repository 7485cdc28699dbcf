"""Ad-hoc workers get what they need: pure in decide, applied by look."""
