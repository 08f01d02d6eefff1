"""Litestar: a msgspec Struct from a multipart body."""

from typing import Annotated

import msgspec
from litestar import Litestar, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body


class UploadForm(msgspec.Struct):
    title: str
    author: str
    year: int
    file: UploadFile


class Told(msgspec.Struct):
    title: str
    author: str
    year: int
    filename: str
    size: int


@post("/upload", status_code=200, request_max_body_size=32 * 1024 * 1024)
async def upload(data: Annotated[UploadForm, Body(media_type=RequestEncodingType.MULTI_PART)]) -> Told:
    data.file.file.seek(0, 2)
    return Told(data.title, data.author, data.year, data.file.filename, data.file.file.tell())


app = Litestar([upload], openapi_config=None)
