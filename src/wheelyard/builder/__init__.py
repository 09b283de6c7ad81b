"""Takes jobs, runs them and delivers what they made."""
