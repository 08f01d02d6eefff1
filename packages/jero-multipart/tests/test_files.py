"""Uploaded files: how they are read and kept, and that nothing of them is left when the request is over."""

import asyncio
import errno
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from jero_core import Endpoint
from jero_core.extend import Fragment, Reply
from jero_multipart import FilePart, SpooledFilePart, spool
from jero_multipart.filenames import UnusableName, base_name

from .form_driver import FormApp, app_of, echo, form_post, multipart, part, post, send, started

LARGE = bytes(range(256)) * 2_000
"""512 kB: on disk."""


class Upload(Struct):
    file: SpooledFilePart


class Uploads(Struct):
    files: list[SpooledFilePart]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files; nothing is left in it, and no descriptor."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    FormApp.sources["form"]._disk.submit(int).result()
    before = descriptors()
    yield folder
    disk = FormApp.sources["form"]._disk
    for _ in range(2 * spool._THREADS):  # What is under way ends.
        disk.submit(int).result()
        disk.submit_save(int).result()
    assert disk.spools == 0
    assert [*folder.iterdir()] == []
    assert descriptors() <= before


def descriptors():
    path = Path("/proc/self/fd")
    return (
        sum("temporary" in str(link.readlink()) for link in path.iterdir() if link.is_symlink()) if path.exists() else 0
    )


def open_files(form):
    return form.file._spool._file


@pytest.mark.parametrize("size", [0, 1, spool.HELD, spool.HELD + 1, len(LARGE)])
@pytest.mark.parametrize("step", [1_000, 10_000, 70_000, 10**9])
def test_a_file_is_read_as_it_was_sent(size, step):
    async def answer(form):
        file = form.file
        assert file.size == size
        assert (open_files(form) is not None) == (size > spool.HELD)
        whole = await file.read()
        assert whole == LARGE[:size]
        assert await file.read() == b""
        assert b"".join([chunk async for chunk in file.iter_chunks(50_000)]) == whole
        return "right"

    body = multipart(("file", LARGE[:size], "f"))
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    assert post(echo(Upload, answer), chunks=pieces).text == "right"


def test_read_goes_on_where_it_ended_and_seek_moves():
    async def answer(form):
        file = form.file
        assert await file.read(3) == LARGE[:3]
        assert file.tell() == 3
        assert await file.read(0) == b""
        assert await file.read(10) == LARGE[3:13]
        assert await file.seek(-2, os.SEEK_END) == len(LARGE) - 2
        assert await file.read(100) == LARGE[-2:]
        assert await file.seek(5) == 5
        assert await file.seek(2, os.SEEK_CUR) == 7
        assert await file.read(1) == LARGE[7:8]
        assert await file.seek(len(LARGE) + 5) == len(LARGE) + 5
        assert await file.read() == b""
        for arguments in ((-1,), (0, 3), (-len(LARGE) - 1, os.SEEK_END)):
            with pytest.raises(ValueError, match=r"before the start|whence"):
                await file.seek(*arguments)
        with pytest.raises(ValueError, match="1 byte"):
            _ = [chunk async for chunk in file.iter_chunks(0)]
        return "right"

    assert form_post(echo(Upload, answer), ("file", LARGE, "f")).text == "right"


def test_files_of_one_request_share_one_descriptor_and_are_apart():
    async def answer(form):
        assert len({id(file._spool) for file in form.files}) == 1
        contents = await asyncio.gather(*(file.read() for file in form.files))
        assert contents == [LARGE[: 1_000 * index] for index in range(60)]
        return f"{descriptors()}"

    parts = [("files", LARGE[: 1_000 * index], f"f{index}") for index in range(60)]
    assert form_post(echo(Uploads, answer), *parts).text == "1"


def test_reads_at_the_same_time_get_bytes_of_their_own():
    async def answer(form):
        parts = await asyncio.gather(*(form.file.read(1_000) for _ in range(512)))
        assert b"".join(parts) == LARGE
        return "right"

    assert form_post(echo(Upload, answer), ("file", LARGE, "f")).text == "right"


@pytest.mark.parametrize("content", [b"", b"small", LARGE])
def test_save_keeps_the_file_and_replaces_what_is_there(tmp_path, content):
    target = tmp_path / "kept" / "file.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")

    async def answer(form):
        await form.file.read(2)
        await form.file.save(target)
        await form.file.save(str(target.with_name("twice")))
        return "right"

    assert form_post(echo(Upload, answer), ("file", content, "f")).text == "right"
    assert target.read_bytes() == target.with_name("twice").read_bytes() == content
    assert len([*target.parent.iterdir()]) == 2


def test_a_failing_save_leaves_nothing_behind(tmp_path):
    target = tmp_path / "kept"
    target.mkdir()

    async def answer(form):
        with pytest.raises(IsADirectoryError):
            await form.file.save(target)
        with pytest.raises(FileNotFoundError):
            await form.file.save(tmp_path / "missing" / "file")
        return "right"

    assert form_post(echo(Upload, answer), ("file", LARGE, "f")).text == "right"
    assert [*target.iterdir()] == []
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "temporary"}


@pytest.mark.parametrize("content", [b"small", LARGE])
def test_after_the_response_the_file_is_gone(content):
    kept = []
    app = echo(Upload, lambda form: kept.append(form.file) or "right")
    assert form_post(app, ("file", content, "f")).text == "right"
    (file,) = kept

    async def use():
        with pytest.raises(ValueError, match="the upload is closed"):
            await file.read()
        with pytest.raises(ValueError, match="the upload is closed"):
            await file.save("/nowhere")
        assert repr(file) == f"SpooledFilePart(filename='f', size={len(content)})"

    asyncio.run(use())


class Chunks:
    """A response that is sent as the file is read."""

    def __init__(self, file):
        self.file = file

    @classmethod
    def __jero_reply__(cls, returned, context, /):
        async def stream(result, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            async for chunk in result.file.iter_chunks(50_000):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        return Reply(
            render=(),
            status=200,
            content_type="application/octet-stream",
            body_type=bytes,
            send=Fragment.of("await $stream(result, $send)", stream=stream),
        )


class Streamed(Endpoint, path="/spot"):
    async def post(self, form: Upload) -> Chunks:
        return Chunks(form.file)


def test_a_streamed_response_reads_the_file_to_its_end():
    assert form_post(app_of(Streamed()), ("file", LARGE, "f")).body == LARGE


def test_a_response_that_is_broken_off_closes_the_file(caplog):
    async def main():
        app = app_of(Streamed())
        async with started(app):

            async def gone(message):
                if message["type"] == "http.response.body":
                    raise ConnectionResetError

            with pytest.raises(ConnectionResetError):
                await send(app, multipart(("file", LARGE, "f")), on_send=gone)

    asyncio.run(main())


def test_a_failing_handler_closes_the_file(caplog):
    def fail(form):
        raise RuntimeError("boom")

    with caplog.at_level(logging.CRITICAL, "jero"):
        assert form_post(echo(Upload, fail), ("file", LARGE, "f")).status == 500


def test_a_cancelled_handler_closes_the_file():
    async def main():
        entered = asyncio.Event()

        async def wait(form):
            entered.set()
            await asyncio.Event().wait()

        app = echo(Upload, wait)
        async with started(app):
            task = asyncio.create_task(send(app, multipart(("file", LARGE, "f"))))
            await asyncio.wait_for(entered.wait(), 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


class HeldBack:
    """The disk, every job of which waits until `go` is set."""

    def __init__(self, monkeypatch):
        self.go = threading.Event()
        self.entered = threading.Event()
        disk = FormApp.sources["form"]._disk
        submit = type(disk).submit

        def held(self_, job, size=0):
            def wait():
                self.entered.set()
                assert self.go.wait(10)
                return job()

            return submit(self_, wait, size)

        monkeypatch.setattr(type(disk), "submit", held)
        self.restore = lambda: (self.go.set(), monkeypatch.setattr(type(disk), "submit", submit))


def test_the_loop_goes_on_while_the_disk_is_busy(monkeypatch):
    disk = HeldBack(monkeypatch)

    async def main():
        app = echo(Upload, lambda form: str(form.file.size))
        async with started(app):
            upload = asyncio.create_task(send(app, multipart(("file", LARGE * 4, "f"))))
            await asyncio.to_thread(disk.entered.wait, 10)
            other = await asyncio.wait_for(send(app, multipart(("file", b"x", "f"))), 10)
            assert other.text == "1"
            assert not upload.done()
            disk.restore()
            assert (await upload).text == str(len(LARGE) * 4)

    asyncio.run(main())


def test_saves_to_a_target_that_hangs_hold_up_no_upload(monkeypatch, tmp_path):
    """A network mount, say: where files are kept is the app's choice, and its trouble."""
    go, under_way = threading.Event(), threading.Semaphore(0)
    replace = spool._replace

    def hang(*arguments):
        under_way.release()
        assert go.wait(20)
        replace(*arguments)

    monkeypatch.setattr(spool, "_replace", hang)

    async def save(form):
        await form.file.save(tmp_path / "kept")
        return "kept"

    async def read(form):
        return str(len(await form.file.read()))

    class Keep(Endpoint, path="/keep"):
        async def post(self, form: Upload) -> str:
            return await save(form)

    class Spot(Endpoint, path="/spot"):
        async def post(self, form: Upload) -> str:
            return await read(form)

    async def main():
        app = app_of(Keep(), Spot())
        body = multipart(("file", LARGE, "f"))
        async with started(app):
            saves = [asyncio.create_task(send(app, body, target="/keep")) for _ in range(spool._THREADS + 1)]
            try:
                for _ in range(spool._THREADS):
                    assert await asyncio.to_thread(under_way.acquire, timeout=20)
                response = await asyncio.wait_for(send(app, body), 20)
            finally:
                go.set()
            assert response.text == str(len(LARGE))
            assert [(await task).text for task in saves] == ["kept"] * len(saves)

    asyncio.run(main())
    assert (tmp_path / "kept").read_bytes() == LARGE


def test_an_upload_waits_for_a_slow_disk_with_little_in_memory(monkeypatch):
    disk = HeldBack(monkeypatch)

    async def main():
        app = echo(Upload, lambda form: str(form.file.size))
        body = multipart(("file", LARGE * 16, "f"))
        pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
        taken = 0

        def chunks():
            nonlocal taken
            for piece in pieces:
                taken += len(piece)
                yield piece

        async with started(app):
            upload = asyncio.create_task(send(app, chunks=chunks()))
            await asyncio.to_thread(disk.entered.wait, 10)
            for _ in range(100):
                await asyncio.sleep(0)
            assert taken <= 1024 * 1024 + 65_536
            disk.restore()
            assert (await upload).text == str(len(LARGE) * 16)

    asyncio.run(main())


def test_a_request_cancelled_while_the_disk_is_busy_leaves_nothing(monkeypatch):
    disk = HeldBack(monkeypatch)

    async def main():
        app = echo(Upload, lambda form: "")
        async with started(app):
            upload = asyncio.create_task(send(app, multipart(("file", LARGE * 4, "f"))))
            await asyncio.to_thread(disk.entered.wait, 10)
            upload.cancel()
            with pytest.raises(asyncio.CancelledError):
                await upload
            disk.restore()

    asyncio.run(main())


def test_a_read_that_is_cancelled_does_not_close_the_file_under_its_thread(monkeypatch):
    async def main():
        async def answer(form):
            disk = HeldBack(monkeypatch)
            read = asyncio.create_task(form.file.read())
            await asyncio.to_thread(disk.entered.wait, 10)
            read.cancel()
            with pytest.raises(asyncio.CancelledError):
                await read
            asyncio.get_running_loop().call_later(0.05, disk.restore)
            return "right"

        app = echo(Upload, answer)
        async with started(app):
            assert (await send(app, multipart(("file", LARGE, "f")))).text == "right"

    asyncio.run(main())


def test_a_client_that_goes_away_while_it_uploads_gets_nothing_and_leaves_nothing(caplog):
    body = multipart(("file", LARGE * 4, "f"))[: len(LARGE) * 3]
    called = []
    response = post(echo(Upload, called.append), chunks=[body[:100_000], body[100_000:]], is_cut=True)
    assert response.messages == []
    assert called == []
    assert caplog.records == []


def test_a_refused_form_leaves_no_file():
    response = form_post(echo(Upload), ("file", LARGE, "f"), ("file", LARGE, "g"))
    assert response.status == 422


def test_after_a_problem_no_file_goes_to_the_disk(monkeypatch):
    class Form(Upload):
        number: int

    disk = HeldBack(monkeypatch)
    response = form_post(echo(Form), ("number", "x"), ("file", LARGE * 4, "f"), ("file", b"", "g"))
    assert not disk.entered.is_set()
    disk.restore()
    assert response.invalid == {
        "/number": "Expected `int`, got `str`",
        "/file": "This part may be given only once.",
    }


@pytest.mark.parametrize("size", [len(LARGE), len(LARGE) * 8])
def test_a_full_disk_is_a_clean_logged_500(monkeypatch, caplog, size):
    def full(file, chunks):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool, "_write_all", full)
    response = form_post(echo(Upload), ("file", (LARGE * 8)[:size], "f"))
    assert response.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    (record,) = caplog.records
    assert "No space left on device" in str(record.exc_info[1])


def test_a_partial_write_is_completed(monkeypatch):
    written = []

    def some(descriptor, chunks):
        count = min(10_001, sum(map(len, chunks)))
        data = b"".join(chunks)[:count]
        written.append(count)
        return os.write(descriptor, data)

    monkeypatch.setattr(spool, "_writev", some)

    async def answer(form):
        return str(await form.file.read() == LARGE)

    pieces = multipart(("file", LARGE, "f"))
    pieces = [pieces[start : start + 9_000] for start in range(0, len(pieces), 9_000)]
    assert post(echo(Upload, answer), chunks=pieces).text == "True"
    assert written


def test_where_there_is_no_writev_each_chunk_is_written(monkeypatch):
    monkeypatch.setattr(spool, "_writev", None)

    async def answer(form):
        return str(await form.file.read() == LARGE)

    assert form_post(echo(Upload, answer), ("file", LARGE, "f")).text == "True"


def test_when_the_interpreter_ends_the_file_is_closed_at_once(monkeypatch):
    async def main():
        disk = spool.Disk()
        one = spool.Spool(disk=disk)
        one.append(LARGE)
        await one.drain()
        await one.settle()
        assert disk._threads is not None
        disk._threads.shutdown()
        file = one._file
        await one.close()
        assert file.closed
        with pytest.raises(RuntimeError):
            disk.submit(int)

    asyncio.run(main())


def test_a_read_that_is_cancelled_before_its_thread_begins_still_lets_the_file_be_closed():
    async def main():
        go = threading.Event()

        async def answer(form):
            disk = FormApp.sources["form"]._disk
            for _ in range(spool._THREADS):
                disk.submit(lambda: go.wait(10))
            read = asyncio.create_task(form.file.read())
            await asyncio.sleep(0)
            read.cancel()
            with pytest.raises(asyncio.CancelledError):
                await read
            asyncio.get_running_loop().call_later(0.05, go.set)
            return "right"

        app = echo(Upload, answer)
        async with started(app):
            assert (await send(app, multipart(("file", LARGE, "f")))).text == "right"

    asyncio.run(main())


def test_all_uploads_together_wait_for_a_slow_disk_with_little_in_memory(monkeypatch):
    disk = HeldBack(monkeypatch)

    async def main():
        app = echo(Upload, lambda form: str(form.file.size))
        content = LARGE * 8
        body = multipart(("file", content, "f"))
        pieces = [body[start : start + 262_144] for start in range(0, len(body), 262_144)]
        taken = 0

        def chunks():
            nonlocal taken
            for piece in pieces:
                taken += len(piece)
                yield piece

        async with started(app):
            uploads = [asyncio.create_task(send(app, chunks=chunks())) for _ in range(20)]
            await asyncio.to_thread(disk.entered.wait, 10)
            for _ in range(100):
                await asyncio.sleep(0)
            # The memory that they share, and of each upload the first message: it could be a form without a file.
            assert taken <= 2 * spool.SHARED + 20 * 262_144
            uploads.pop().cancel()
            disk.restore()
            for upload in uploads:
                assert (await asyncio.wait_for(upload, 10)).text == str(len(content))

    asyncio.run(main())


def test_who_waits_in_a_loop_that_is_gone_keeps_nobody_else_waiting(monkeypatch):
    disk = spool.Disk()
    go = threading.Event()

    async def wait():
        await disk.wait_for_room()

    disk.submit(lambda: go.wait(10), spool.SHARED)
    gone = asyncio.new_event_loop()
    forgotten = gone.create_task(wait())
    gone.run_until_complete(asyncio.sleep(0))
    forgotten.cancel()
    gone.close()

    async def main():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        go.set()
        await asyncio.wait_for(waiting, 10)

    asyncio.run(main())
    disk._threads.shutdown()


def test_a_spool_is_written_read_and_closed_however_it_is_driven():
    class Short(spool.FileIO):
        """Gives less than is asked for, as the system does above 2 GiB."""

        def read(self, size=-1):
            return super().read(min(size, 100_000))

    async def main():
        disk = spool.Disk()
        one = spool.Spool(disk=disk)
        for _ in range(3):
            one.append(LARGE + LARGE)
            await one.drain()
            one._write.result()  # The disk is faster than the client.
        await one.settle()
        file = one._file
        one._file = Short(os.dup(file.fileno()))
        file.close()
        assert await one.read(1, len(LARGE) * 6 - 1) == (LARGE * 6)[1:]
        assert await one.read(len(LARGE) * 6 - 5, 100) == LARGE[-5:]
        await one.close()
        one.abandon()
        await one.close()
        disk._threads.shutdown()

    asyncio.run(main())


def test_a_test_can_make_a_file_by_itself(tmp_path):
    async def main():
        file = SpooledFilePart(filename="a.txt", data=b"hello", content_type="text/plain")
        assert (file.size, file.content_type, file.headers, len(file.raw_headers)) == (5, "text/plain", None, 0)
        assert [chunk async for chunk in file.iter_chunks(2)] == [b"he", b"ll", b"o"]
        assert await file.read() == b"hello"
        await file.save(tmp_path / "a.txt")
        file._spool._disk._savers.shutdown()

    asyncio.run(main())
    assert (tmp_path / "a.txt").read_text() == "hello"


def test_many_spools_share_the_memory_for_what_waits():
    disk = spool.Disk()
    shares = []
    for count in (0, 1, 2, 4, 8, 20, 1_000):
        disk.spools = count
        shares.append(disk.share // 1024)
    assert shares == [512, 512, 256, 128, 64, 64, 64]


def test_uploads_at_the_same_time_are_right():
    async def main():
        async def answer(form):
            return str(await form.file.read() == LARGE)

        app = echo(Upload, answer)
        body = multipart(("file", LARGE, "f"))
        pieces = [body[start : start + 40_000] for start in range(0, len(body), 40_000)]
        async with started(app):
            responses = await asyncio.gather(*(send(app, chunks=pieces) for _ in range(30)))
        assert {response.text for response in responses} == {"True"}

    asyncio.run(main())


# names


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.txt", "a.txt"),
        ("Größe ☕.png", "Größe ☕.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.txt", "a.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("\\\\server\\share\\a.txt", "a.txt"),
        ("a/b\\c.txt", "c.txt"),
        ("C:a.txt", "a.txt"),
        ("C:D:a.txt", "a.txt"),
        (".htaccess", ".htaccess"),
        ("a%22b.txt", 'a"b.txt'),
        ("%2e%2e%2fa", "%2e%2e%2fa"),
    ],
)
def test_a_filename_is_its_last_component(sent, kept):
    for kind in (FilePart, SpooledFilePart):

        class Form(Struct):
            file: kind

        assert form_post(echo(Form, lambda form: form.file.filename), part("file", b"x", sent)).text == kept


@pytest.mark.parametrize(
    "sent", ["a%0Db", "a%0Ab.txt", "..", ".", "/", "a/", "../..", "C:", " . ", "a/..", "\x85", "a\u2028"]
)
def test_a_filename_that_is_none_is_422(sent):
    assert {*form_post(echo(Upload), part("file", b"x", sent)).invalid} == {"/file"}


def test_a_filename_with_a_nul_is_malformed():
    assert form_post(echo(Upload), part("file", b"x", "a\0b")).status == 400


def test_the_extended_filename_overrides_nothing():
    body = multipart(part("file", b"x", "a.txt").replace(b'"a.txt"', b"\"a.txt\"; filename*=utf-8''b.exe", 1))
    assert post(echo(Upload, lambda form: form.file.filename), body).text == "a.txt"
    body = multipart(part("file", b"x", "a.txt").replace(b'filename="a.txt"', b"filename*=utf-8''b.exe", 1))
    assert post(echo(Upload), body).invalid == {"/file": "This part must be a file: it has no filename."}


@settings(deadline=None)
@given(st.text())
def test_no_separator_and_no_control_character_survives(filename):
    try:
        name = base_name(filename)
    except UnusableName:
        return
    assert name == Path(name).name
    assert not {*name} & {*"/\\\0\r\n\t\x7f"}
    assert name not in {"", ".", ".."}
    assert filename.endswith(name)


def test_the_threads_are_the_source_s_own():
    names = []

    async def answer(form):
        names.extend(thread.name for thread in threading.enumerate() if "uploads" in thread.name)
        return ""

    form_post(echo(Upload, answer), ("file", LARGE, "f"))
    assert names
    assert isinstance(FormApp.sources["form"]._disk._threads, ThreadPoolExecutor)
