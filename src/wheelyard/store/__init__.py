"""The state folder and its SQLite database: jobs, attempts, wheels, and what was learned."""
