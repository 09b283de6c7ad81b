"""Packages of the channel that took the place of CentOS packages (``cdt('…')``).

Only the ``-devel`` ones say what a recipe links against; the others came along at run time and come
along by themselves now.
"""

import re

_X11 = frozenset(
    [
        "libice",
        "libsm",
        "libx11",
        "libxau",
        "libxaw",
        "libxcb",
        "libxcomposite",
        "libxcursor",
        "libxdamage",
        "libxdmcp",
        "libxext",
        "libxfixes",
        "libxft",
        "libxi",
        "libxinerama",
        "libxkbfile",
        "libxmu",
        "libxpm",
        "libxrandr",
        "libxrender",
        "libxres",
        "libxscrnsaver",
        "libxshmfence",
        "libxt",
        "libxtst",
        "libxv",
        "libxxf86vm",
    ]
)

_OTHER = {
    "alsa-lib": "alsa-lib",
    "at-spi2-atk": "at-spi2-atk",
    "at-spi2-core": "at-spi2-core",
    "atk": "atk-1.0",
    "cairo": "cairo",
    "cups": "cups",
    "dbus": "dbus",
    "dbus-glib": "dbus-glib",
    "expat": "expat",
    "fontconfig": "fontconfig",
    "freetype": "freetype",
    "gdk-pixbuf2": "gdk-pixbuf",
    "gettext": "gettext",
    "glib2": "glib",
    "gtk2": "gtk2",
    "gtk3": "gtk3",
    "kernel-headers": "kernel-headers_linux-64",
    "libdrm": "libdrm",
    "libglvnd": "libgl-devel",
    "libibverbs": "rdma-core",
    "libpng": "libpng",
    "libsoup": "libsoup <3",
    "libudev": "libudev",
    "libuuid": "libuuid",
    "libxkbcommon": "libxkbcommon",
    "libxml2": "libxml2",
    "mesa-khr": "libgl-devel",
    "mesa-libegl": "libegl-devel",
    "mesa-libgl": "libgl-devel",
    "mesa-libglu": "libglu",
    "numactl": "libnuma",
    "pango": "pango",
    "pixman": "pixman",
    "rdma-core": "rdma-core",
    "systemd": "libsystemd",
    "xcb-util": "xcb-util",
    "xcb-util-image": "xcb-util-image",
    "xcb-util-keysyms": "xcb-util-keysyms",
    "xcb-util-renderutil": "xcb-util-renderutil",
    "xcb-util-wm": "xcb-util-wm",
    "xorg-x11-proto": "xorg-xorgproto",
    "zlib": "zlib",
}

_NOT_NEEDED = frozenset(
    [
        "audit-libs",
        "gtkmm24",
        "libgcrypt",
        "libgpg-error",
        "libselinux",
        "libsepol",
        "libverto",
        "mesa-libgbm",
        "opensm",
        "orbit2",
        "pam",
        "pciutils",
        "pcre",
    ]
)


def package_of(cdt: str) -> str | None:
    """Give the requirement that a CDT became: empty where none is needed, None where nothing is known."""
    name = re.sub(r"-devel$", "", cdt)
    if name == cdt or name in _NOT_NEEDED:
        return ""
    return f"xorg-{name}" if name in _X11 else _OTHER.get(name)
