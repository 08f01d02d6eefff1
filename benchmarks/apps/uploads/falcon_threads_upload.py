"""Falcon with its writes in a thread, so that it keeps the loop free as the others do; one for each 64 KiB."""

import asyncio
from tempfile import SpooledTemporaryFile

import falcon
import falcon.asgi
import msgspec
from falcon.asgi import Request, Response

encode = msgspec.json.Encoder().encode


class Upload:
    async def on_post(self, req: Request, resp: Response) -> None:
        texts: dict[str, str | None] = {}
        filename = None
        with SpooledTemporaryFile(max_size=1024 * 1024) as file:
            async for part in await req.get_media():
                if part.name == "file":
                    filename = part.filename
                    async for chunk in part.stream:
                        await asyncio.to_thread(file.write, chunk)
                else:
                    texts[part.name] = await part.get_text()
            size = file.tell()
        try:
            year = int(texts["year"] or "")
        except (KeyError, ValueError) as error:
            raise falcon.HTTPUnprocessableEntity from error
        resp.data = encode(
            {
                "title": texts["title"],
                "author": texts["author"],
                "year": year,
                "filename": filename,
                "size": size,
            }
        )


app = falcon.asgi.App()
app.add_route("/upload", Upload())
