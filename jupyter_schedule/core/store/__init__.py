"""The store of schedules and runs: `base` is the contract, `sql` keeps it, `schema` and `migrations` shape it."""
