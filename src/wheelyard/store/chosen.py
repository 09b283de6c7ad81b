"""Which projects a choice means, as SQL: each narrow choice begins at an index of its own."""

from wheelyard.site_ports import Choice

# Beyond the highest code point that a name can begin with.
_BEYOND = "\U0010ffff"


def chosen(choice: Choice) -> tuple[str, dict[str, object]]:
    """Return the statement that finds the names of projects, in their order, and its parameters."""
    names: dict[str, object] = {"after": choice.after}
    wheres = ["{0}.project > :after"]
    table = "known_projects"
    if choice.regressed:
        table = "cells"
        wheres.append("cells.regressed")
    if choice.state:
        table = "cells"
        wheres.append("cells.state = :state")
        names["state"] = choice.state
    if choice.target:
        table = "cells"
        wheres.append("cells.target = :target")
        names["target"] = choice.target
    if choice.name:
        wheres.append("{0}.project LIKE :name ESCAPE '\\'")
        names["name"] = f"%{_escaped(choice.name)}%"
    if choice.owner:
        wheres.append(
            "EXISTS (SELECT 1 FROM askers WHERE askers.owner = :owner AND askers.project = {0}.project)"
        )
        names["owner"] = choice.owner
    where = " AND ".join(wheres).format(table)
    statement = (
        f"SELECT DISTINCT {table}.project AS project FROM {table} WHERE {where} "  # noqa: S608 - fixed fragments only
        f"ORDER BY {table}.project LIMIT :limit"
    )
    return statement, names


def holding(part: str, *, beginning: bool) -> tuple[str, dict[str, object]]:
    """Return the statement that finds names that begin with a text, or hold it elsewhere, and its parameters."""
    names: dict[str, object] = {
        "first": part,
        "beyond": f"{part}{_BEYOND}",
        "part": f"%{_escaped(part)}%",
    }
    starts = "project >= :first AND project < :beyond"
    where = starts if beginning else f"project LIKE :part ESCAPE '\\' AND NOT ({starts})"
    return f"SELECT project FROM known_projects WHERE {where} ORDER BY project LIMIT :limit", names  # noqa: S608


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
