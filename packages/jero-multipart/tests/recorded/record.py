"""Records what browsers and HTTP clients send for forms: writes `<name>.http` beside this file.

    python packages/jero-multipart/tests/recorded/record.py

needs Debian's `chromium` and `curl`, and httpx. Each recording is the content type, an empty line and the body, as they
came. test_recorded.py sends them again, whole and in pieces.
"""

import http.server
import subprocess
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).parent
RECORDED = {}
DONE = threading.Event()

NATIVE = """<!doctype html><meta charset="utf-8">
<form id="form" method="post" enctype="{enctype}" action="/{name}">
<input name="title" value="Größe &quot;☕&quot;">
<textarea name="text">one
two</textarea>
<input type="checkbox" name="tags" value="a" checked><input type="checkbox" name="tags" value="b" checked>
<input type="checkbox" name="tags" value="c">
<input name="empty" value="">
<input name='odd "name"&#10;x' value="odd">
{files}
</form>
<script>
const give = (id, ...files) => {{
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  document.getElementById(id).files = transfer.files;
}};
{script}
document.getElementById("form").submit();
</script>"""
FILES = """<input type="file" id="photo" name="photo"><input type="file" name="none">
<input type="file" id="many" name="many" multiple>"""
GIVE = """
give("photo", new File([new Uint8Array([0, 13, 10, 45, 45, 255])], 'a "b" ☕.png', {type: "image/png"}));
give("many", new File(["first"], "1.txt", {type: "text/plain"}), new File([""], "2.txt"));
"""
FETCH = """<!doctype html><meta charset="utf-8"><script>
const form = new FormData();
form.append("title", "Größe");
form.append("meta", new Blob([JSON.stringify({text: "☕", size: 2})], {type: "application/json"}));
form.append("photo", new File(["png"], "ü.png", {type: "image/png"}));
fetch("/chromium-fetch", {method: "POST", body: form});
</script>"""
PAGES = {
    "/native": NATIVE.format(name="chromium-form", enctype="multipart/form-data", files=FILES, script=GIVE),
    "/urlencoded": NATIVE.format(
        name="chromium-urlencoded", enctype="application/x-www-form-urlencoded", files="", script=""
    ),
    "/fetch": FETCH,
}


class Recorder(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = PAGES.get(self.path, "").encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self):
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        RECORDED[self.path[1:]] = self.headers["content-type"].encode() + b"\r\n\r\n" + body
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
        DONE.set()

    def log_message(self, *_):
        pass


def browse(url):
    """Open a page in headless Chromium, and wait until it has posted."""
    DONE.clear()
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        process = subprocess.Popen([*command, "--remote-debugging-port=0", url], stderr=subprocess.DEVNULL)
        assert DONE.wait(60), url
        process.terminate()
        process.wait(20)


def curl(url, *arguments):
    subprocess.run(["curl", "-sS", *arguments, url], check=True, cwd=HERE)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    for page in PAGES:
        browse(base + page)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'a "b".txt'
        file.write_bytes(b"line\r\n--line\n")
        quoted = str(file).replace('"', '\\"')
        texts = ["-F", "title=Größe", "-F", "tags=a", "-F", "tags=b"]
        curl(
            f"{base}/curl",
            *texts,
            *("-F", f'photo=@"{quoted}"', "-F", 'meta={"text": "x", "size": 2};type=application/json'),
        )
        curl(
            f"{base}/curl-chunked",
            *texts,
            "-F",
            f'photo=@"{quoted}";type=image/png',
            "-H",
            "transfer-encoding: chunked",
        )
        curl(f"{base}/curl-part-headers", *texts[:2], "-F", f'photo=@"{quoted}";headers="X-Note: n"')
        curl(f"{base}/curl-urlencoded", "-d", "tags=a", "-d", "tags=b", "--data-urlencode", "title=Größe & +%")
    import httpx

    httpx.post(
        f"{base}/httpx",
        data={"title": "Größe", "tags": ["a", "b"]},
        files={
            "photo": ('a "b"\\ü.png', b"png", "image/png", {"X-Note": "n"}),
            "meta": (None, b'{"text": "x", "size": 2}', "application/json"),
        },
    )
    httpx.post(f"{base}/httpx-urlencoded", data={"title": "Größe & +%", "tags": ["a", "b"]})
    for name, recorded in RECORDED.items():
        (HERE / f"{name}.http").write_bytes(recorded)
        print(name, len(recorded))


if __name__ == "__main__":
    main()
