"""From a request to jobs: what is built, in which order, and why."""
