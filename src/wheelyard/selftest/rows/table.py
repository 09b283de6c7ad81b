"""All rows, by their numbers."""

from wheelyard.selftest.rows import builders
from wheelyard.selftest.suite import Row

ROWS = (
    Row(number=1, title="a builder killed in mid-build", run=builders.killed),
    Row(number=2, title="a builder killed after its upload", run=builders.killed_before_result),
    Row(number=3, title="a builder stopped beyond its lease", run=builders.stopped),
    Row(number=4, title="a network cut shorter than the lease", run=builders.cut_briefly),
    Row(number=5, title="a network cut longer than the lease", run=builders.cut_for_long),
)
