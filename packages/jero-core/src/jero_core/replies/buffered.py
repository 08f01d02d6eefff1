"""The content types of buffered replies."""

from typing import Final

JSON_TYPE: Final = "application/json"
BYTES_TYPE: Final = "application/octet-stream"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
