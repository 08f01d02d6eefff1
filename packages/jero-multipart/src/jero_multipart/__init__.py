"""Typed forms for jero: multipart and url-encoded bodies as Structs, and uploads that never fill memory."""

from .parts import FilePart, FormPart, SpooledFilePart
from .source import FormSource

__all__ = ["FilePart", "FormPart", "FormSource", "SpooledFilePart"]
