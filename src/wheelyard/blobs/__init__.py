"""Files named by digest, in a folder."""
