"""A form in a browser that uploads a file beside a JSON part, and shows every problem beside its field.

Serve it with ``granian --interface asgi --working-dir docs/examples articles:app``, and open http://127.0.0.1:8000/.
The articles' images are kept in a temporary folder for as long as the app runs.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from msgspec import Meta, Struct

from jero import BaseApp, BytesResponse, Endpoint, HTTPError, Resource, SpooledFilePart

IMAGE_TYPES = {"image/png", "image/jpeg", "image/webp"}


class Metadata(Struct, rename="camel"):
    """The JSON part."""

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    tags: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=5)] = []
    reading_minutes: Annotated[int, Meta(ge=1)] = 1


class ArticleForm(Struct):
    """The form: what the browser sends as multipart/form-data."""

    metadata: Metadata
    text: Annotated[str, Meta(min_length=1)]
    image: SpooledFilePart | None = None


class Article(Struct, rename="camel"):
    id: int
    title: str
    tags: list[str]
    words: int
    image_name: str | None
    image_size: int


class Articles(Resource, path="/articles", max_body_size=100 * 1024 * 1024):
    def __init__(self, images: Path) -> None:
        self._images = images
        self._articles: list[Article] = []

    async def create(self, form: ArticleForm) -> Article:
        image = form.image
        if image is not None and image.content_type not in IMAGE_TYPES:
            raise HTTPError(415, f"The image is no {', '.join(sorted(IMAGE_TYPES))}.")
        number = len(self._articles) + 1
        if image is not None:
            # Under a name of our own: `image.filename` is what the client says.
            await image.save(self._images / f"{number}.image")
        article = Article(
            id=number,
            title=form.metadata.title,
            tags=form.metadata.tags,
            words=len(form.text.split()),
            image_name=image.filename if image is not None else None,
            image_size=image.size if image is not None else 0,
        )
        self._articles.append(article)
        return article


class HTML(Struct):
    content_type: str = "text/html; charset=utf-8"


class Page(Endpoint, path="/"):
    def __init__(self, html: bytes) -> None:
        self._html = html

    async def get(self) -> BytesResponse[HTML]:
        return BytesResponse(content=self._html, headers=HTML())


@contextmanager
def image_folder() -> Generator[Path]:
    with TemporaryDirectory(prefix="articles-") as folder:
        yield Path(folder)


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Page((Path(__file__).parent / "articles.html").read_bytes()))
        self._include_resource(Articles(self._enter(image_folder())))


app = App()
