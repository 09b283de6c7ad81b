"""What every table is a part of, and how both engines keep numbers and texts alike."""

from sqlalchemy import BigInteger, Integer, MetaData, Text
from sqlalchemy.ext.compiler import compiles

METADATA = MetaData()

# SQLite numbers the rows of an INTEGER key by itself, and of no other.
NUMBER = BigInteger().with_variant(Integer, "sqlite")


@compiles(Text, "postgresql")
def _text(_type: Text, _compiler: object, **_: object) -> str:
    """Sort texts by their code points on both engines, whatever the language of the server is."""
    return 'TEXT COLLATE "C"'
