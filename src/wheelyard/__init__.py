"""wheelyard rebuilds Python packages from source and serves what it built."""

__version__ = "0.1.0"
