"""What a run looks like: live on a terminal, line by line in a pipe, or as JSON."""
