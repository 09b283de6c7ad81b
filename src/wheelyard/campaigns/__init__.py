"""Campaigns: migrations carried out, in as many repositories as there are, until they close."""
