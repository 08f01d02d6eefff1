"""Starlette: its own form parser, on python-multipart."""

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

encode = msgspec.json.Encoder().encode


async def upload(request: Request) -> Response:
    async with request.form() as form:
        file = form["file"]
        try:
            year = int(form["year"])
        except (KeyError, ValueError) as error:
            raise HTTPException(422) from error
        told = {"title": form["title"], "author": form["author"], "year": year}
        told |= {"filename": file.filename, "size": file.size}
    return Response(encode(told), media_type="application/json")


app = Starlette(routes=[Route("/upload", upload, methods=["POST"])])
