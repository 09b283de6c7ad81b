"""The farm over HTTP: what builders say to it, what people ask of it, and the index."""
