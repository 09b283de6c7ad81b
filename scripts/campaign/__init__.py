"""A campaign from end to end on git repositories of this machine, with people, failures and kills."""
