"""Tables of names that migrators go by: facts about packages, without any code."""
