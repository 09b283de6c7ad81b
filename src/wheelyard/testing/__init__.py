"""Every port in memory, for tests of wheelyard and of what is built on it."""
