"""Which migrators come with wheelyard; each is an entry point of ``wheelyard.migrators`` as well."""

from wheelyard.migrate.migrators.boost import Libboost
from wheelyard.migrate.migrators.build_scripts import (
    CrossArmAndPower,
    CrossCMake,
    CrossCMakeWindows,
    CrossConfigSub,
    CrossTests,
    CrossTestsWindows,
)
from wheelyard.migrate.migrators.compilers import Compilers, Flang, StandardLibrary
from wheelyard.migrate.migrators.conditions import V1Conditions
from wheelyard.migrate.migrators.cross_requirements import CrossPython, CrossRBase
from wheelyard.migrate.migrators.distribution import Cdt, Cos7
from wheelyard.migrate.migrators.noarch_recipes import Noarch, NoarchR
from wheelyard.migrate.migrators.nvidia import NvidiaTools
from wheelyard.migrate.migrators.older import Blas, NpmBuild
from wheelyard.migrate.migrators.pin_rebuild import NewPython, OpenPin
from wheelyard.migrate.migrators.ports import Port
from wheelyard.migrate.migrators.python_min import PythonMin
from wheelyard.migrate.migrators.python_recipes import LicenceFile, PipCheck, UsePip
from wheelyard.migrate.migrators.rebuild import NewVersion, Rebuild
from wheelyard.migrate.migrators.replacing import (
    LibJpegTurbo,
    LibLzma,
    MatplotlibBase,
    MiniReplacement,
    NoNumpyPin,
    PinRemoval,
    QtMain,
    Replacement,
)
from wheelyard.migrate.migrators.tidying import (
    BuildToHost,
    DuplicateLines,
    ExtraJinjaKeys,
    ForgeFile,
    JinjaStyle,
    MpiPins,
    NoCondaInspect,
    PypiAddress,
    Ucrt,
)

MIGRATIONS: tuple[type, ...] = (
    Rebuild,
    NewVersion,
    OpenPin,
    NewPython,
    Port,
    Replacement,
    MatplotlibBase,
    PinRemoval,
    Compilers,
    Noarch,
    NoarchR,
    PythonMin,
    Cdt,
    Blas,
    NpmBuild,
    NvidiaTools,
)
"""Changes that people are asked to take."""

CLEAN_UPS: tuple[type, ...] = (
    UsePip,
    PipCheck,
    LicenceFile,
    JinjaStyle,
    ExtraJinjaKeys,
    PypiAddress,
    DuplicateLines,
    NoCondaInspect,
    BuildToHost,
    CrossConfigSub,
    CrossCMake,
    CrossCMakeWindows,
    CrossTests,
    CrossTestsWindows,
    CrossPython,
    CrossRBase,
    CrossArmAndPower,
    StandardLibrary,
    Flang,
    Libboost,
    MiniReplacement,
    QtMain,
    LibLzma,
    LibJpegTurbo,
    NoNumpyPin,
    Cos7,
    MpiPins,
    ForgeFile,
    Ucrt,
    V1Conditions,
)
"""Changes that ride with another."""

WITH_A_VERSION: tuple[type, ...] = (
    ForgeFile,
    JinjaStyle,
    ExtraJinjaKeys,
    DuplicateLines,
    UsePip,
    PypiAddress,
    LicenceFile,
    BuildToHost,
    NoCondaInspect,
    MpiPins,
    Cos7,
    StandardLibrary,
    CrossConfigSub,
    CrossCMake,
    CrossCMakeWindows,
    CrossTests,
    CrossTestsWindows,
    CrossRBase,
    V1Conditions,
)
"""Clean-ups that are right at any time, so that a new version may bring them all along."""

BUILTIN: dict[str, type] = {each.name: each for each in (*MIGRATIONS, *CLEAN_UPS)}  # type: ignore[attr-defined]
