"""How a program reaches the desk: through a Jupyter server, or straight on the ledger."""
