"""BlackSheep: the form as it parses it, with files in spooled temporary files."""

import msgspec
from blacksheep import Application, Content, Request, Response, Router
from blacksheep.exceptions import BadRequest

encode = msgspec.json.Encoder().encode

router = Router()
app = Application(router=router)


@router.post("/upload")
async def upload(request: Request) -> Response:
    form = await request.form()
    file = form["file"] if not isinstance(form["file"], list) else form["file"][0]
    try:
        year = int(form["year"])
    except (KeyError, ValueError) as error:
        raise BadRequest("year") from error
    told = {"title": form["title"], "author": form["author"], "year": year}
    told |= {"filename": file.file_name.decode(), "size": file.size}
    return Response(200, None, Content(b"application/json", encode(told)))
