"""Packages that conda-forge pins for all, so that recipes need no version of theirs."""

PINNED = frozenset(
    """
    arpack boost boost-cpp bzip2 cairo cfitsio curl dbus expat ffmpeg fftw flann fontconfig freetype
    gdal gdk-pixbuf geos geotiff giflib glew glib glpk gmp graphviz gsl gstreamer harfbuzz hdf4 hdf5
    icu isl jasper jpeg json-c jsoncpp krb5 libblitz libcurl libevent libffi libgdal libiconv libkml
    libmatio libnetcdf libpcap libpng libprotobuf librdkafka librsvg libsecret libsvm libtiff
    libunwind libuuid libwebp libxml2 lz4-c lzo metis mpfr mpich ncurses netcdf-cxx4 netcdf-fortran
    nettle nlopt nspr nss openblas openjpeg openmpi openssl pango pari perl petsc pixman poppler proj
    qt readline sox sqlite suitesparse tk vlfeat x264 xerces-c xz zeromq zlib zstd
    """.split()
)
