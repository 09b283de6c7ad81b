"""Where blobs are: in the state folder, or in a bucket with that folder in front of it."""

from wheelyard.blobs.folder import FolderBlobs
from wheelyard.store.folder import StateFolder


def open_blobs(folder: StateFolder, address: str = "") -> FolderBlobs:
    """Return the blobs at an address (``s3://…``), or the state folder's own. Raises ConfigurationError."""
    if not address:
        return FolderBlobs(folder.place("blobs"), own=folder.path)
    from wheelyard.blobs.bucket import Bucket
    from wheelyard.blobs.s3 import S3Blobs

    return S3Blobs(folder.place("blobs"), bucket=Bucket(address), own=folder.path)
