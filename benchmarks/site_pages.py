"""How long each page of the site takes, with 10,000 projects, 200,000 jobs and 50 builders in the database.

    python -m benchmarks.site_pages [--projects N] [--targets N] [--rounds N] [--postgres] [--keep FOLDER]

Each page is asked for over loopback, one request after the other, as HTML and as JSON; what is shown is the
median, the 95th percentile and the size. The bound is 100 ms at the 95th percentile.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.web.place import open_place  # type: ignore[import-not-found]
