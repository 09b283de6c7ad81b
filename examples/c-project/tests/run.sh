#!/bin/sh
# Compares what the program prints with what it should.
set -eu
program=$1
check() {
    if [ "$1" != "$2" ]; then
        echo "wanted: $2" >&2
        echo "got:    $1" >&2
        exit 1
    fi
}
check "$("$program")" "$GREETING, world"
check "$("$program" Ada)" "$GREETING, Ada"
if "$program" one two 2>/dev/null; then
    echo "two names should be refused" >&2
    exit 1
fi
echo "3 checks passed"
