"""The API without a web framework: routes, requests, responses, and the presenter that writes them."""
