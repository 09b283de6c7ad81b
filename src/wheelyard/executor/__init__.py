"""One job on this machine: environment, sandbox, hooks, checks."""
