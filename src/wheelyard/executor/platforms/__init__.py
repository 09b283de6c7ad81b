"""Other machines that this one builds for: descriptions, sysroots, compilers, emulators."""
