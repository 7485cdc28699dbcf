"""The Jupyter server's half: routes to the desk, and the document that describes them."""
