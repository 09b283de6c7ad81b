"""Whom edits of recipes ask: the same indexes and certificates as builds."""

from wheelyard.upstream.installers import certificate_file, default_index
from wheelyard.upstream.settings import UpstreamSettings
from wheelyard.wiring.places import state_path


def answer_settings(indexes: tuple[str, ...], *, offline: bool) -> UpstreamSettings:
    """Say which indexes are asked, and how."""
    return UpstreamSettings(
        indexes=indexes or (default_index(),),
        cache=state_path(None) / "cache",
        offline=offline,
        ca_file=certificate_file(),
        retries=1,
    )
