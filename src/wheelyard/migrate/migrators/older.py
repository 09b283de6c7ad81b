"""Changes of the past that recipes may still be in need of: BLAS by name, and npm's own packing."""

import re
from typing import ClassVar

from wheelyard.migrate.amendment import Amendment, column_of_items
from wheelyard.migrate.feedstock import Feedstock
from wheelyard.migrate.migrators.rebuild import raised

_BLAS = re.compile(r"(blas|openblas|mkl|c?lapack)")


class Blas:
    """Links against the interface of BLAS, so that whoever installs chooses the library."""

    name: ClassVar[str] = "blas"
    summary: ClassVar[str] = "link against libblas and libcblas instead of one BLAS"

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether one BLAS is required by name to build with."""
        found = feedstock.names("build", "host")
        return any(_BLAS.fullmatch(name) for name in found) and not found & {"libblas", "libcblas"}

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Require the interface; drop the names, the feature and the variable of the variant."""
        document = feedstock.document
        amendment = Amendment(document)
        found = feedstock.sections
        target = "host" if any(section.name == "host" for section in found) else "build"
        for section in found:
            blas = [line for line in section.lines if _BLAS.fullmatch(line.name)]
            for line in blas:
                amendment.drop(line.entry)
            if section.name == target and blas:
                indent = " " * column_of_items(section.key)
                amendment.below_key(section.key, f"{indent}- libblas", f"{indent}- libcblas")
        for features in (
            *document.find("build", "features"),
            *document.find("build", "track_features"),
        ):
            for item in features.entries:
                if item.scalar.startswith("blas_"):
                    amendment.drop(item)
        text = re.sub(
            r"^[ \t]*\{%-?\s*set variant\s*=\s*['\"]openblas['\"]\s*-?%\}[ \t]*\r?\n",
            "",
            amendment.text,
            flags=re.MULTILINE,
        )
        return raised(feedstock.with_recipe(text))


class NpmBuild:
    """``npm install -g .`` makes a link to the source since npm 5; its packed form is installed."""

    name: ClassVar[str] = "npm-build"
    summary: ClassVar[str] = (
        "pack before `npm install -g`, and mend the indentation of such scripts"
    )

    def wants(self, feedstock: Feedstock) -> bool:
        """Say whether the script links, or was mended by half."""
        return not feedstock.is_v1 and self._edited(feedstock.recipe) != feedstock.recipe

    def edit(self, feedstock: Feedstock) -> Feedstock:
        """Write the script and raise the build number."""
        return raised(feedstock.with_recipe(self._edited(feedstock.recipe)))

    def _edited(self, text: str) -> str:
        end = "\r\n" if "\r\n" in text else "\n"
        packed = rf"\1script: |{end}\1  tgz=$(npm pack){end}\1  npm install -g $tgz"
        text = re.sub(
            r"^([ \t]+)script: npm install -g \.[ \t]*(?=\r?$)", packed, text, flags=re.MULTILINE
        )
        # One column too deep among the keys of `build` is no YAML.
        return re.sub(
            r"^( +)(\S[^\n]*\n)\1 (script: \|[ \t]*\r?\n\1  tgz=)",
            r"\1\2\1\3",
            text,
            flags=re.MULTILINE,
        )
