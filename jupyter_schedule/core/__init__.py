"""The ground that both halves share: nouns, time, bundle, store, objects.  No Jupyter server, no cloud SDK."""
