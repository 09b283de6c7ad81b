"""A farm on one machine, rehearsed: network namespaces stand for hosts."""
