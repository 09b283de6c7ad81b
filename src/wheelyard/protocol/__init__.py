"""Every message between coordinator and builder: bytes ↔ values."""
