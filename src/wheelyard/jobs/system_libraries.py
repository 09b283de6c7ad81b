"""The system libraries that Python packages build against, by each name that a log gives them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A library: how people call it, and Debian's package with its headers.

    ``headers`` are paths as they are included; one that ends in ``/`` is a folder of them. ``names``
    are those of pkg-config, CMake, Meson and the linker (without ``-l``), in lower case; ``programs``
    are the scripts that tell a build where the library lies.
    """

    name: str
    debian: str
    headers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


LIBRARIES = (
    SystemLibrary("OpenSSL", "libssl-dev", ("openssl/",), ("openssl", "libssl", "ssl", "crypto")),
    SystemLibrary("libffi", "libffi-dev", ("ffi.h", "ffi/ffi.h"), ("libffi", "ffi")),
    SystemLibrary("zlib", "zlib1g-dev", ("zlib.h", "zconf.h"), ("zlib", "z")),
    SystemLibrary("bzip2", "libbz2-dev", ("bzlib.h",), ("bzip2", "bz2")),
    SystemLibrary("lzma", "liblzma-dev", ("lzma.h",), ("liblzma", "lzma")),
    SystemLibrary("zstd", "libzstd-dev", ("zstd.h",), ("libzstd", "zstd")),
    SystemLibrary("lz4", "liblz4-dev", ("lz4.h", "lz4frame.h"), ("liblz4", "lz4")),
    SystemLibrary("snappy", "libsnappy-dev", ("snappy.h", "snappy-c.h"), ("snappy",)),
    SystemLibrary("LZO", "liblzo2-dev", ("lzo/",), ("lzo2",)),
    SystemLibrary(
        "libxslt",
        "libxslt1-dev",
        ("libxslt/", "libexslt/"),
        ("libxslt", "xslt", "exslt"),
        ("xslt-config",),
    ),
    SystemLibrary(
        "libxml2", "libxml2-dev", ("libxml/",), ("libxml-2.0", "libxml2", "xml2"), ("xml2-config",)
    ),
    SystemLibrary("xmlsec", "libxmlsec1-dev", ("xmlsec/",), ("xmlsec1",), ("xmlsec1-config",)),
    SystemLibrary("expat", "libexpat1-dev", ("expat.h",), ("expat",)),
    SystemLibrary(
        "PostgreSQL",
        "libpq-dev",
        ("libpq-fe.h", "postgres_fe.h", "pg_config.h"),
        ("libpq", "pq", "postgresql"),
        ("pg_config",),
    ),
    SystemLibrary(
        "MySQL",
        "default-libmysqlclient-dev",
        ("mysql.h", "mysql/", "my_config.h"),
        ("mysqlclient", "mariadb", "libmariadb", "mysql"),
        ("mysql_config", "mariadb_config"),
    ),
    SystemLibrary("SQLite", "libsqlite3-dev", ("sqlite3.h",), ("sqlite3",)),
    SystemLibrary("ODBC", "unixodbc-dev", ("sql.h", "sqlext.h"), ("odbc",), ("odbc_config",)),
    SystemLibrary("FreeTDS", "freetds-dev", ("sqlfront.h", "sybdb.h"), ("sybdb",)),
    SystemLibrary("Berkeley DB", "libdb-dev", ("db.h",), ("db",)),
    SystemLibrary("LevelDB", "libleveldb-dev", ("leveldb/",), ("leveldb",)),
    SystemLibrary(
        "JPEG", "libjpeg-dev", ("jpeglib.h", "jconfig.h"), ("jpeg", "libjpeg", "turbojpeg")
    ),
    SystemLibrary("PNG", "libpng-dev", ("png.h",), ("libpng", "png", "png16"), ("libpng-config",)),
    SystemLibrary("TIFF", "libtiff-dev", ("tiffio.h", "tiff.h"), ("libtiff-4", "tiff")),
    SystemLibrary("WebP", "libwebp-dev", ("webp/",), ("libwebp", "webp")),
    SystemLibrary("AVIF", "libavif-dev", ("avif/",), ("libavif", "avif")),
    SystemLibrary(
        "FreeType",
        "libfreetype-dev",
        ("ft2build.h", "freetype/"),
        ("freetype2", "freetype"),
        ("freetype-config",),
    ),
    SystemLibrary("Little CMS", "liblcms2-dev", ("lcms2.h",), ("lcms2",)),
    SystemLibrary("ImageMagick", "libmagickwand-dev", ("MagickWand/", "wand/"), ("magickwand",)),
    SystemLibrary(
        "curl", "libcurl4-openssl-dev", ("curl/",), ("libcurl", "curl"), ("curl-config",)
    ),
    SystemLibrary("Bluetooth", "libbluetooth-dev", ("bluetooth/",), ("bluez", "bluetooth")),
    SystemLibrary(
        "LDAP", "libldap-dev", ("ldap.h", "lber.h"), ("ldap", "ldap_r", "lber", "ldap-2.5")
    ),
    SystemLibrary("SASL", "libsasl2-dev", ("sasl.h", "sasl/"), ("libsasl2", "sasl2")),
    SystemLibrary(
        "Kerberos",
        "libkrb5-dev",
        ("krb5.h", "gssapi.h", "gssapi/", "krb5/"),
        ("krb5", "krb5-gssapi", "gssapi_krb5"),
        ("krb5-config",),
    ),
    SystemLibrary("cairo", "libcairo2-dev", ("cairo.h", "cairo/"), ("cairo",)),
    SystemLibrary("Pango", "libpango1.0-dev", ("pango/",), ("pango", "pangocairo", "pangoft2")),
    SystemLibrary(
        "GObject introspection",
        "libgirepository1.0-dev",
        ("girepository.h",),
        ("gobject-introspection-1.0", "girepository-1.0", "girepository-2.0"),
    ),
    SystemLibrary(
        "GLib",
        "libglib2.0-dev",
        ("glib.h", "glib-object.h", "gio/", "gmodule.h"),
        ("glib-2.0", "gobject-2.0", "gio-2.0", "gmodule-2.0"),
    ),
    SystemLibrary("GTK", "libgtk-3-dev", ("gtk/",), ("gtk+-3.0", "gtk+-2.0", "gtk4")),
    SystemLibrary("D-Bus", "libdbus-1-dev", ("dbus/",), ("dbus-1", "dbus-glib-1")),
    SystemLibrary("systemd", "libsystemd-dev", ("systemd/",), ("libsystemd", "systemd")),
    SystemLibrary("X11", "libx11-dev", ("X11/",), ("x11",)),
    SystemLibrary("OpenGL", "libgl1-mesa-dev", ("GL/",), ("gl", "opengl", "glu")),
    SystemLibrary(
        "SDL", "libsdl2-dev", ("SDL.h", "SDL2/"), ("sdl2", "sdl"), ("sdl-config", "sdl2-config")
    ),
    SystemLibrary("PortAudio", "portaudio19-dev", ("portaudio.h",), ("portaudio", "portaudio-2.0")),
    SystemLibrary("ALSA", "libasound2-dev", ("alsa/", "asoundlib.h"), ("alsa", "asound")),
    SystemLibrary("libsndfile", "libsndfile1-dev", ("sndfile.h",), ("sndfile",)),
    SystemLibrary(
        "FFmpeg",
        "libavformat-dev",
        ("libavformat/", "libavcodec/", "libavutil/"),
        ("libavformat", "libavcodec", "libavdevice", "libavutil", "libswscale"),
    ),
    SystemLibrary("GMP", "libgmp-dev", ("gmp.h",), ("gmp",)),
    SystemLibrary("MPFR", "libmpfr-dev", ("mpfr.h",), ("mpfr",)),
    SystemLibrary("MPC", "libmpc-dev", ("mpc.h",), ("mpc",)),
    SystemLibrary(
        "BLAS and LAPACK",
        "libopenblas-dev",
        ("cblas.h", "lapacke.h"),
        ("openblas", "blas", "lapack", "cblas"),
    ),
    SystemLibrary("HDF5", "libhdf5-dev", ("hdf5.h", "H5public.h"), ("hdf5",), ("h5cc",)),
    SystemLibrary("NetCDF", "libnetcdf-dev", ("netcdf.h",), ("netcdf",), ("nc-config",)),
    SystemLibrary("GDAL", "libgdal-dev", ("gdal.h", "gdal/"), ("gdal",), ("gdal-config",)),
    SystemLibrary("GEOS", "libgeos-dev", ("geos_c.h", "geos/"), ("geos_c",), ("geos-config",)),
    SystemLibrary(
        "libspatialindex", "libspatialindex-dev", ("spatialindex/",), ("spatialindex_c",)
    ),
    SystemLibrary("PROJ", "libproj-dev", ("proj.h", "proj_api.h"), ("proj",)),
    SystemLibrary("Boost", "libboost-all-dev", ("boost/",), ("boost",)),
    SystemLibrary("Eigen", "libeigen3-dev", ("Eigen/", "eigen3/"), ("eigen3",)),
    SystemLibrary("Protocol Buffers", "libprotobuf-dev", ("google/protobuf/",), ("protobuf",)),
    SystemLibrary("libsodium", "libsodium-dev", ("sodium.h", "sodium/"), ("libsodium", "sodium")),
    SystemLibrary("libyaml", "libyaml-dev", ("yaml.h",), ("yaml-0.1", "yaml")),
    SystemLibrary("ZeroMQ", "libzmq3-dev", ("zmq.h",), ("libzmq", "zmq")),
    SystemLibrary(
        "libmemcached", "libmemcached-dev", ("libmemcached/",), ("libmemcached", "memcached")
    ),
    SystemLibrary("librdkafka", "librdkafka-dev", ("librdkafka/",), ("rdkafka",)),
    SystemLibrary("libgit2", "libgit2-dev", ("git2.h",), ("libgit2", "git2")),
    SystemLibrary(
        "libusb",
        "libusb-1.0-0-dev",
        ("libusb.h", "usb.h", "libusb-1.0/"),
        ("libusb-1.0", "usb-1.0"),
    ),
    SystemLibrary("udev", "libudev-dev", ("libudev.h",), ("libudev", "udev")),
    SystemLibrary("libev", "libev-dev", ("ev.h",), ("ev",)),
    SystemLibrary("libevent", "libevent-dev", ("event.h", "event2/"), ("libevent", "event")),
    SystemLibrary("PCRE", "libpcre2-dev", ("pcre.h", "pcre2.h"), ("libpcre2-8", "libpcre", "pcre")),
    SystemLibrary("readline", "libreadline-dev", ("readline/",), ("readline",)),
    SystemLibrary(
        "ncurses",
        "libncurses-dev",
        ("curses.h", "ncurses.h", "term.h"),
        ("ncurses", "curses", "tinfo"),
    ),
    SystemLibrary("libaio", "libaio-dev", ("libaio.h",), ("aio",)),
    SystemLibrary("PAM", "libpam0g-dev", ("security/",), ("pam",)),
    SystemLibrary("ACL", "libacl1-dev", ("sys/acl.h", "acl/"), ("acl",)),
    SystemLibrary(
        "capabilities", "libcap-dev", ("sys/capability.h", "sys/prctl.h"), ("libcap", "cap")
    ),
    SystemLibrary("CUPS", "libcups2-dev", ("cups/",), ("cups",), ("cups-config",)),
    SystemLibrary("SELinux", "libselinux1-dev", ("selinux/",), ("libselinux",)),
    SystemLibrary("libvirt", "libvirt-dev", ("libvirt/",), ("libvirt",)),
    SystemLibrary("GnuTLS", "libgnutls28-dev", ("gnutls/",), ("gnutls",)),
    SystemLibrary("MPI", "libopenmpi-dev", ("mpi.h",), ("mpi", "ompi"), ("mpicc",)),
    SystemLibrary("Tcl and Tk", "tk-dev", ("tk.h", "tcl.h"), ("tk", "tcl")),
    SystemLibrary("Graphviz", "libgraphviz-dev", ("graphviz/",), ("libcgraph", "cgraph")),
    SystemLibrary("LLVM", "llvm-dev", ("llvm/", "llvm-c/"), ("llvm",), ("llvm-config",)),
    SystemLibrary("enchant", "libenchant-2-dev", ("enchant.h",), ("enchant-2",)),
    SystemLibrary("Linux", "linux-libc-dev", ("linux/",)),
    SystemLibrary(
        "C library", "libc6-dev", ("stdio.h", "stdlib.h", "limits.h", "features.h", "sys/types.h")
    ),
)


def _index(pairs: Iterable[tuple[str, SystemLibrary]]) -> dict[str, SystemLibrary]:
    # The first that claims a name keeps it.
    return dict(reversed(list(pairs)))


_BY_HEADER = _index((header, library) for library in LIBRARIES for header in library.headers)
_BY_NAME = _index((name, library) for library in LIBRARIES for name in library.names)
_BY_PROGRAM = _index((program, library) for library in LIBRARIES for program in library.programs)


def library_of_header(path: str) -> SystemLibrary | None:
    """Find the library of an included file: the file itself, then the folder that it is in."""
    if path in _BY_HEADER:
        return _BY_HEADER[path]
    folder, separator, _ = path.partition("/")
    return _BY_HEADER.get(folder + separator) if separator else None


def library_of_name(name: str) -> SystemLibrary | None:
    """Find a library by the name that pkg-config, CMake, Meson or the linker has for it."""
    return _BY_NAME.get(name.lower())


def library_of_program(name: str) -> SystemLibrary | None:
    """Find the library that a script like ``pg_config`` belongs to."""
    return _BY_PROGRAM.get(name)
