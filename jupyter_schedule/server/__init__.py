"""The Jupyter server's side: thin handlers over the API, and the service that it starts."""
