"""A farm as its builders reach it over HTTP: joining it, its blobs, and its bus where it has no other."""
