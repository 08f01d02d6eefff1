"""jero."""

from msgspec import Struct

from jero import BaseApp, Endpoint, SpooledFilePart


class UploadForm(Struct):
    title: str
    author: str
    year: int
    file: SpooledFilePart


class Told(Struct):
    title: str
    author: str
    year: int
    filename: str
    size: int


class Upload(Endpoint, path="/upload"):
    async def post(self, form: UploadForm) -> Told:
        return Told(form.title, form.author, form.year, form.file.filename, form.file.size)


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Upload())


app = App()
