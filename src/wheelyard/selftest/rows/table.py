"""All rows, by their numbers."""

from wheelyard.selftest.rows import builders, coordinators, hostile, packages, people, results
from wheelyard.selftest.suite import Row

ROWS = (
    Row(number=1, title="a builder killed in mid-build", run=builders.killed),
    Row(number=2, title="a builder killed after its upload", run=builders.killed_before_result),
    Row(number=3, title="a builder stopped beyond its lease", run=builders.stopped),
    Row(number=4, title="a network cut shorter than the lease", run=builders.cut_briefly),
    Row(number=5, title="a network cut longer than the lease", run=builders.cut_for_long),
    Row(number=6, title="the coordinator killed with builds running", run=coordinators.killed),
    Row(number=7, title="a crash between commit and reply", run=coordinators.crashed_after_commit),
    Row(number=8, title="a crash between blob and commit", run=coordinators.crashed_before_commit),
    Row(number=9, title="database away for 10 s, bus restarted", run=coordinators.engines_away),
    Row(number=10, title="two coordinators on one database", run=coordinators.two),
    Row(number=11, title="the same result five times at once", run=results.five_times),
    Row(number=12, title="two attempts with different bytes", run=results.different_bytes),
    Row(number=13, title="uploads that are damaged", run=results.damaged_uploads),
    Row(number=14, title="a blob deleted behind the farm's back", run=results.blob_deleted),
    Row(number=15, title="a builder that fails everything", run=packages.broken_builders),
    Row(number=16, title="a package that kills its builder", run=packages.deadly_packages),
    Row(number=17, title="hangs, endless output, what is too large", run=packages.over_limits),
    Row(number=18, title="nobody can run a job", run=people.nobody_can),
    Row(number=19, title="raised, cancelled, paused, failed", run=people.people_decide),
    Row(number=20, title="wrong clocks, a revoked builder, a full disk", run=people.wrong_machines),
    Row(number=21, title="a hostile builder", run=hostile.hostile),
    Row(number=22, title="a hostile package", run=packages.hostile_packages),
)
