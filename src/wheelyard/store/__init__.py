"""State in SQLite: jobs, attempts, artifacts and what was learned about releases."""
