"""A project at a version."""

from dataclasses import dataclass
from typing import NewType, Self

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidNameError

ProjectName = NewType("ProjectName", str)


def project_name(text: str) -> ProjectName:
    """Normalise a project's name (PEP 503). Raises InvalidNameError."""
    try:
        return ProjectName(canonicalize_name(text, validate=True))
    except InvalidName:
        raise InvalidNameError(
            f"{text!r} is not a project name",
            hint="A name has letters, digits, '.', '_' and '-', and starts and ends with one of the first two.",
        ) from None


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A project at a version, written ``six==1.17.0``."""

    project: ProjectName
    version: Version

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name==version``. Raises InvalidNameError."""
        name, separator, version = text.partition("==")
        if not separator:
            raise InvalidNameError(
                f"{text!r} is not a release", hint="Write name==version, for example six==1.17.0."
            )
        return cls.of(name.strip(), version.strip())

    @classmethod
    def of(cls, name: str, version: str) -> Self:
        """Normalise a name and a version. Raises InvalidNameError."""
        try:
            return cls(project_name(name), Version(version))
        except InvalidVersion:
            raise InvalidNameError(
                f"{version!r} is not a version of {name}",
                hint="Versions follow PEP 440, for example 2.0.1 or 1.0rc1.",
            ) from None

    def __str__(self) -> str:
        return f"{self.project}=={self.version}"
