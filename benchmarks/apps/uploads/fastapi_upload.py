"""FastAPI: typed form fields and an UploadFile."""

from typing import Annotated

from fastapi import FastAPI, Form, UploadFile
from pydantic import BaseModel

app = FastAPI(openapi_url=None)


class Told(BaseModel):
    title: str
    author: str
    year: int
    filename: str | None
    size: int | None


@app.post("/upload")
async def upload(
    file: UploadFile,
    title: Annotated[str, Form()],
    author: Annotated[str, Form()],
    year: Annotated[int, Form()],
) -> Told:
    return Told(title=title, author=author, year=year, filename=file.filename, size=file.size)
