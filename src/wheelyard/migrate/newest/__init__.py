"""Which versions there are of what a recipe packages, and which of them it should go to."""
