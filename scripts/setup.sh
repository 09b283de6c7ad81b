#!/usr/bin/env bash
# Finds a Python that can run wheelyard (3.11 or newer) and hands over to setup.py.
#
# `python3` may be older than what lies beside it, or the shim of a version manager that answers
# nothing, so every candidate is asked before it is believed. PYTHON=… names one.
set -euo pipefail
cd "$(dirname "$0")/.."

suitable() {
    "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1 </dev/null
}

candidates() {
    # A set-up .venv keeps the Python that it was made with.
    printf '%s\n' .venv/bin/python
    local name
    for name in python3 python3.13 python3.12 python3.11 python3.14 python; do
        type -aP "$name" || true
    done
    printf '%s\n' "${PYENV_ROOT:-${HOME:-/root}/.pyenv}"/versions/3.*/bin/python
    command -v uv >/dev/null && uv python find --offline '>=3.11' 2>/dev/null || true
}

if [ -n "${PYTHON:-}" ]; then
    if ! suitable "$PYTHON"; then
        echo "error: PYTHON=$PYTHON is not a working Python of 3.11 or newer" >&2
        exit 1
    fi
    exec "$PYTHON" scripts/setup.py
fi
while read -r candidate; do
    if suitable "$candidate"; then
        exec "$candidate" scripts/setup.py
    fi
done < <(candidates)
echo "error: there is no Python of 3.11 or newer here" >&2
echo "  hint: install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: make test PYTHON=/path/to/python" >&2
exit 1
