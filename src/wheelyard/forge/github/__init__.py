"""GitHub: a proposal is a pull request from a fork."""
