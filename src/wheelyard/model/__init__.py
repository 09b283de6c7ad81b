"""The nouns, frozen: release, source, request, job, attempt, artifact."""
