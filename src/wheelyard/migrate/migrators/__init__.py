"""The migrators that come with wheelyard, one small class each; ``builtin`` lists them."""
