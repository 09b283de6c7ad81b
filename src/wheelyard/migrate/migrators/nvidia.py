"""Recipes that repack NVIDIA's binaries: what of the C library these need is looked at when they are built."""

from typing import ClassVar

from wheelyard.migrate.amendment import Amendment, column_of_items
from wheelyard.migrate.feedstock import BUILD_SH, FORGE, Feedstock
from wheelyard.migrate.migrators.forge_file import loaded, without_key
from wheelyard.migrate.migrators.rebuild import raised
from wheelyard.migrate.requirement_lines import TOP

_DOWNLOADS = "https://developer.download.nvidia.com"
_TOOLS = "cf-nvidia-tools"
_CHECK = 'check-glibc "$PREFIX"/lib/*.so.* "$PREFIX"/bin/*'


class NvidiaTools:
    """Checks repacked binaries for the C library that they need."""

    name: ClassVar[str] = "nvidia-tools"
    summary: ClassVar[str] = "check which C library repacked binaries of NVIDIA need"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether a source is one of NVIDIA's, and nothing checks it yet."""
        script = feedstock.text(BUILD_SH) or ""
        checked = "check-glibc" in script + feedstock.recipe and _TOOLS in feedstock.recipe
        urls = feedstock.document.find("source", "url")
        return (
            not feedstock.is_v1
            and not checked
            and any(_DOWNLOADS in entry.value for url in urls for entry in (url, *url.entries))
        )

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Require the tools, run the check at the end of the script, and drop ``os_version``."""
        edited = raised(feedstock)
        edited = edited.with_recipe(self._with_tools(edited))
        script = feedstock.text(BUILD_SH)
        if script is not None and "check-glibc" not in script:
            start = script if not script or script.endswith("\n") else f"{script}\n"
            edited = edited.with_file(BUILD_SH, f"{start}\n{_CHECK}\n")
        forge = feedstock.text(FORGE)
        if forge is not None and "os_version" in loaded(forge):
            edited = edited.with_file(FORGE, without_key(forge, ("os_version",)))
        return edited.remarked("check-glibc: see that its patterns meet all that is installed")

    @staticmethod
    def _with_tools(feedstock: Feedstock) -> str:
        document = feedstock.document
        amendment = Amendment(document)
        if _TOOLS not in feedstock.recipe:
            for section in feedstock.sections:
                if section.name == "build" and section.output == TOP and section.key.entries:
                    indent = " " * column_of_items(section.key)
                    amendment.after(section.key.entries[-1], f"{indent}- {_TOOLS}  # [linux]")
        if feedstock.text(BUILD_SH) is None and "check-glibc" not in feedstock.recipe:
            for script in document.find("build", "script"):
                items = [item for item in script.entries if item.is_item]
                if items:
                    indent = " " * items[-1].column
                    amendment.after(items[-1], f"{indent}- {_CHECK}  # [linux]")
        return amendment.text
