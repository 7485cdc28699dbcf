"""The agent: executes one attempt on a worker.  Standard library and three light modules of core, as it travels."""
