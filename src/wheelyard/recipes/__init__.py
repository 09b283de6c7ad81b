"""Recipe text: parsed with positions, evaluated per variant, edited without touching the rest, linted.

A *parsed* recipe (``parse.ParsedRecipe``) is text with positions and is what edits take; an
*evaluated* recipe (``evaluated.EvaluatedRecipe``) is what one variant makes of it and is what graphs
and plans read. No function takes both. Nothing here reads a file or asks a network.
"""
