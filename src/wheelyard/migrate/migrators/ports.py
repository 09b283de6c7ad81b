"""Building for a new platform: what conda-forge.yml says of it."""

from dataclasses import dataclass
from typing import ClassVar

from wheelyard.migrate.feedstock import FORGE, Feedstock
from wheelyard.migrate.migrators.forge_file import loaded, mapping_at, with_key
from wheelyard.migrate.migrators.pin_rebuild import is_noarch

_CROSS = {
    "osx_arm64": "osx_64",
    "win_arm64": "win_64",
    "linux_aarch64": "linux_64",
    "linux_ppc64le": "linux_64",
    "linux_s390x": "linux_64",
    "linux_riscv64": "linux_64",
}
_NATIVE = frozenset({"linux_aarch64", "linux_ppc64le"})


@dataclass(frozen=True, kw_only=True)
class Port:
    """Adds a platform to a feedstock, by a provider of machines or by cross-compilation.

    The build number stays: packages of a platform that had none replace nothing.
    """

    name: ClassVar[str] = "port"
    summary: ClassVar[str] = "build for a new platform (linux-aarch64, osx-arm64…)"
    platform: str
    provider: str = ""
    build_platform: str = ""

    @property
    def key(self) -> str:
        """The platform as conda-forge.yml writes it."""
        return self.platform.replace("-", "_")

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether it has packages for platforms, and not for this one."""
        text = feedstock.text(FORGE) or ""
        configured = bool(mapping_at(text, "provider").get(self.key)) or mapping_at(
            text, "build_platform"
        ).get(self.key) not in {None, self.key}
        return not configured and not is_noarch(feedstock, only_python=False)

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the keys."""
        text = feedstock.text(FORGE) or ""
        provider, build = self.provider, self.build_platform
        if not provider and not build:
            if self.key in _NATIVE:
                provider = "default"
            else:
                build = _CROSS.get(self.key, "")
                provider = "" if build else "default"
        if build:
            text = with_key(text, ("build_platform", self.key), build.replace("-", "_"))
            if "test" not in loaded(text):
                text = with_key(text, ("test",), "native_and_emulated")
        if provider:
            text = with_key(text, ("provider", self.key), provider)
        return feedstock.with_file(FORGE, text)
