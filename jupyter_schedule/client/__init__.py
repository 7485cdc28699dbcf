"""The API from Python: over HTTP, or in this process without a server."""
