"""A small campaign from end to end: what people see of a farm that carries a change through git repositories."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_a_changed_pin_goes_through_a_graph_of_repositories_whatever_happens(
    tmp_path: Path,
) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "show_campaign.py"), "--json"]
    small = ["--feedstocks", "6", "--levels", "3", "--cases", str(tmp_path), "--target", "60"]
    variables = os.environ | {"TMPDIR": str(tmp_path)}
    ran = subprocess.run(
        [*command, *small], capture_output=True, text=True, check=False, env=variables
    )
    told = json.loads(ran.stdout)
    assert told["faults"] == [], ran.stderr
    assert (ran.returncode, told["feedstocks"], told["levels"], told["kills"]) == (0, 6, 3, 2)
