"""The life of a job, and what its log says about a failure."""
