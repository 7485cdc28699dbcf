"""What both halves know: nouns, time, bundle, store, objects.  Imports no Jupyter server and no cloud SDK."""
