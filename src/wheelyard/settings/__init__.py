"""What a user sets: the configuration file, overrides of releases, and policies."""
