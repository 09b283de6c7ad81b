"""What is known of projects that are compiled against, or compile against libraries of the system.

It is what a build for another machine cannot find out by itself: there, a library that is not there is only
seen when it is missed. Recipes say more, and other things.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wheelyard.model.release import ProjectName

COMPILED_AGAINST = frozenset(
    map(
        ProjectName,
        (
            *("numpy", "cffi", "scipy", "pyarrow", "gevent", "greenlet", "lxml", "pygobject"),
            *("pycairo", "mpi4py", "h5py"),
        ),
    )
)
"""Projects with headers or libraries that differ from machine to machine."""

PACKAGES: Mapping[ProjectName, tuple[str, ...]] = MappingProxyType(
    {
        ProjectName(name): tuple(packages.split())
        for name, packages in {
            "argon2-cffi-bindings": "libffi-dev",
            "brotlicffi": "libffi-dev",
            "cairocffi": "libcairo2-dev libffi-dev",
            "cffi": "libffi-dev",
            "cryptography": "libssl-dev libffi-dev",
            "gevent": "libev-dev libc-ares-dev libffi-dev",
            "h5py": "libhdf5-dev",
            "lxml": "libxml2-dev libxslt1-dev zlib1g-dev",
            "mysqlclient": "default-libmysqlclient-dev",
            "netcdf4": "libnetcdf-dev libhdf5-dev",
            "pillow": "libjpeg-dev zlib1g-dev libfreetype-dev liblcms2-dev libtiff-dev libwebp-dev",
            "psycopg-c": "libpq-dev",
            "psycopg2": "libpq-dev",
            "psycopg2-binary": "libpq-dev",
            "pycairo": "libcairo2-dev",
            "pycurl": "libcurl4-openssl-dev libssl-dev",
            "pygit2": "libgit2-dev",
            "pygobject": "libgirepository1.0-dev libcairo2-dev",
            "pynacl": "libsodium-dev libffi-dev",
            "python-ldap": "libldap-dev libsasl2-dev",
            "pyyaml": "libyaml-dev",
            "pyzmq": "libzmq3-dev",
            "uvloop": "libuv1-dev",
            "xmlsec": "libxmlsec1-dev libxml2-dev",
        }.items()
    }
)
"""The packages of Debian with the libraries that projects are compiled against."""
