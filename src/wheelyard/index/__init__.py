"""The simple repository: pages, folder export and server."""
