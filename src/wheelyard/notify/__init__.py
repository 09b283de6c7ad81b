"""Tells people: by mail, web hook or chat."""
