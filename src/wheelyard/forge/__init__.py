"""Where recipes live and changes are offered: bare git repositories, GitHub, and a dry run."""
