"""Where schedules and runs live: `base` is the contract, `sql` keeps it, `schema` and `migrations` shape the tables."""
