#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pulls models from a hub of our own, in good order and in every disorder we could think of.

Each case has a cache of its own and a hub with good manners, which it spoils as it likes. What is
pulled is compared byte for byte; what fails must fail with the right exit code and say what to do,
and leave nothing in the cache that looks whole.

usage: check_hub.py ANEMONE DEMO_MODEL [CASE or GROUP ...]
"""
import fcntl
import json
import os
import pty
import random
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import local_hub  # noqa: E402  pylint: disable=wrong-import-position

NOT_FOUND, IO, FORMAT, MISMATCH, LIMIT = 4, 3, 5, 7, 8
NAME = "org/model"
CASES = []
GROUP = ["order"]


def case(function):
    CASES.append((GROUP[0], function))
    return function


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


SMALL = {"config.json": b'{"model_type": "none"}', "tokenizer.json": b"{}" * 40,
         "model.safetensors": noise(300_000), "README.md": b"# hello\n" * 20}


class Bench:
    """A hub, a cache, and the command between them."""

    def __init__(self, anemone, demo, hub, folder):
        self.anemone, self.demo, self.hub, self.folder = anemone, demo, hub, folder
        self.cache = os.path.join(folder, "cache")
        self.more = {}

    def env(self):
        drop = ("http_proxy", "https_proxy", "all_proxy", "ssl_cert_file", "curl_ca_bundle")
        keep = {k: v for k, v in os.environ.items()
                if not k.startswith("HF_") and k.lower() not in drop}
        return {**keep, "HF_ENDPOINT": self.hub.url, "ANEMONE_CACHE": self.cache, "TERM": "dumb",
                "HOME": self.folder, "no_proxy": "" if "http_proxy" in self.more else "*",
                **self.more}

    def popen(self, *words):
        return subprocess.Popen([self.anemone, *words], env=self.env(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def at_terminal(self, columns, *words):
        """What a terminal so wide is shown."""
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        process = subprocess.Popen([self.anemone, *words], env=self.env(), stderr=other,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        os.close(other)
        text = b""
        while True:
            try:
                piece = os.read(main, 4096)
            except OSError:  # how Linux says that nobody writes any more
                piece = b""
            if not piece:
                break
            text += piece
        os.close(main)
        assert process.wait(timeout=60) == 0, text
        return text.decode()

    def run(self, *words, code=0, say=()):
        """What it wrote to stdout. `say` is what stderr must hold."""
        done = subprocess.run([self.anemone, *words], env=self.env(), timeout=120, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == code, f"{words}: exit {done.returncode} != {code}: {done.stderr}"
        for text in [say] if isinstance(say, str) else say:
            assert text in done.stderr, f"{words}: no {text!r} in: {done.stderr}"
        return done.stdout.strip()

    def pull(self, *words, **more):
        return self.run("pull", NAME, *words, **more)

    def pull_name(self, name):
        return self.run("pull", name)

    def pull_is(self, files, *words):
        """Pulls; the folder must hold just these files."""
        path = self.pull(*words)
        assert contents(path) == files, difference(contents(path), files)
        return path

    def fails(self, code, *say, options=("--retries", "0")):
        """A pull that fails and leaves nothing that looks whole."""
        self.pull(*options, code=code, say=say)
        self.nothing_there()

    def nothing_there(self):
        models = os.path.join(self.cache, "models")
        shown = [name for _, folders, files in walk_visible(models) for name in folders + files]
        assert shown in ([], ["org--model"]), shown
        assert self.run("path", NAME, code=NOT_FOUND) == ""

    def converted(self, name, *options):
        out = os.path.join(self.folder, name)
        self.run("convert", self.demo, "-o", out, *options)
        return out


def walk_visible(folder):
    for path, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        yield path, folders, [n for n in names if not n.startswith(".")]


def contents(folder):
    return {k: v for k, v in local_hub.read_tree(folder).items() if k != ".anemone-pull.json"}


def difference(a, b):
    return {name: (len(a.get(name, b"")), len(b.get(name, b"")))
            for name in set(a) | set(b) if a.get(name) != b.get(name)}


def once(*statuses, place=None, headers=()):
    """A fault: the first requests are answered with these statuses, the rest as usual."""
    left, lock = list(statuses), threading.Lock()

    def fault(handler):
        with lock:
            if not left or (place and handler.place != place):
                return False
            status = left.pop(0)
        handler.reply(status, b"try again", dict(headers))
        return True
    return fault


def always(status, part="", headers=(), body=b"no"):
    def fault(handler):
        if part not in handler.path:
            return False
        handler.reply(status, body, dict(headers))
        return True
    return fault


# ---- in good order ----

@case
def plain(b):
    """Listed over several pages, LFS files from another host; the second pull asks only what."""
    b.hub.page_size = 2
    commit = b.hub.add(NAME, SMALL)
    path = b.pull_is(SMALL)
    assert path == os.path.join(b.cache, "models", "org--model", commit), path
    assert b.hub.count("cdn") == 1 and b.hub.count("hub", "/tree/") == 2
    before = len(b.hub.asked)
    assert b.pull() == path
    assert b.hub.count("hub", "/resolve/") == 4 and len(b.hub.asked) - before == 3
    assert b.run("path", NAME) == path
    assert json.loads(b.run("path", NAME, "--json")) == {"name": NAME, "path": path}
    assert json.loads(b.run("du", "--json"))["models"][0]["revision"] == commit
    assert "main" in b.run("list") and commit in b.run("list", "--json")
    assert "MB" in b.run("du") or "kB" in b.run("du")
    assert json.loads(b.run("rm", NAME, "--json"))[0]["freed"] > 300_000


@case
def token_stays_home(b):
    """HF_TOKEN goes to the hub, and never to where it leads."""
    b.more["HF_TOKEN"] = "hf_secret"
    b.hub.add(NAME, SMALL)
    b.pull_is(SMALL)
    sent = {place: [h.get("Authorization") for p, _, h in b.hub.asked if p == place]
            for place in ("hub", "cdn")}
    assert set(sent["hub"]) == {"Bearer hf_secret"}, sent
    assert sent["cdn"] and set(sent["cdn"]) == {None}, sent


@case
def token_file(b):
    """What huggingface-cli login leaves is read."""
    folder = os.path.join(b.folder, ".cache", "huggingface")
    os.makedirs(folder)
    with open(os.path.join(folder, "token"), "w", encoding="utf-8") as file:
        file.write("hf_from_file\n")
    b.hub.add(NAME, SMALL)
    b.pull()
    assert b.hub.asked[0][2].get("Authorization") == "Bearer hf_from_file"


@case
def ranges(b):
    """A large file comes in several ranges at once."""
    files = {"config.json": b"{}", "model.safetensors": noise(24 << 20)}
    b.hub.add(NAME, files)
    b.hub.rate = 4e6
    b.pull_is(files)
    asked = [h["Range"] for p, _, h in b.hub.asked if p == "cdn" and "Range" in h]
    assert len(asked) == len(set(asked)) == 6 and b.hub.most_active >= 3, asked
    assert b.hub.served <= (24 << 20) + 10, b.hub.served


@case
def many_files(b):
    files = {f"part-{i:03}.json": noise(1000 + 997 * i, i) for i in range(60)}
    b.hub.add(NAME, files)
    b.hub.page_size = 37
    b.pull_is(files)
    assert b.hub.count("hub", "/resolve/") == 60


@case
def strange_names(b):
    files = {"a b/c+d%20.json": b"1", "x&y=?#.json": b"2", "\u00fcber/\u6587.json": b"3" * 9000,
             "empty.json": b""}
    b.hub.add(NAME, files)
    b.pull_is(files)


@case
def includes(b):
    b.hub.add(NAME, {**SMALL, ".anemone-pull.json": b"{}", ".gitattributes": b"x"})
    some = {k: v for k, v in SMALL.items() if k.endswith(".json")}
    path = b.pull_is(some, "--include", "*.json")
    assert b.pull_is(some, "-i", "*.json,*.safetensors", "--exclude", "model*") == path
    b.pull_is(SMALL)
    assert b.hub.served < sum(map(len, SMALL.values())) + 400_000  # nothing came twice
    b.pull("--include", "*.nothing", code=NOT_FOUND, say="none of its 6 files fits")


@case
def revisions(b):
    """Branches are followed, commits stay; what is unchanged is not fetched again."""
    first = b.hub.add(NAME, SMALL)
    old = b.pull_is(SMALL)
    newer = dict(SMALL, **{"config.json": b'{"model_type": "other"}'})
    second = b.hub.add(NAME, newer)
    b.hub.add(NAME, SMALL, commit=first, refs=["v1", "refs/pr/7"])
    served = b.hub.served
    new = b.pull_is(newer)
    assert b.hub.served - served < 100, "unchanged files came again"
    assert new.endswith(second) and contents(old) == SMALL
    assert b.run("path", NAME + "@v1", code=NOT_FOUND) == ""
    assert b.run("pull", NAME + "@refs/pr/7") == old
    before = len(b.hub.asked)
    assert b.run("pull", f"{NAME}@{second}") == new
    assert len(b.hub.asked) == before, "a whole commit needs no question"
    assert b.run("prune", "--dry-run") == "would be removed: 0 B"
    b.run("rm", NAME + "@refs/pr/7")
    assert not os.path.exists(old) and contents(new) == newer
    third = b.hub.add(NAME, SMALL)
    b.pull_is(SMALL)
    assert third != second
    assert b.run("path", NAME) != new and "removed" in b.run("prune")
    b.run("rm", NAME)
    assert os.listdir(os.path.join(b.cache, "models")) == []
    b.run("rm", NAME, code=NOT_FOUND, say="is not in the cache")


@case
def prune_old(b):
    b.hub.add(NAME, SMALL)
    old = b.pull()
    b.hub.add(NAME, dict(SMALL, more=b"1"))
    new = b.pull()
    assert old != new and os.path.exists(old)
    sizes = [entry["bytes"] for entry in json.loads(b.run("list", "--json"))]
    assert sum(sizes) < 450_000, f"shared files count twice: {sizes}"
    b.run("prune", "--dry-run")
    assert os.path.exists(old)
    b.run("prune")
    assert not os.path.exists(old) and os.path.exists(new)


@case
def offline(b):
    b.hub.add(NAME, SMALL)
    b.pull("--offline", code=NOT_FOUND, say="offline")
    path = b.pull()
    before = len(b.hub.asked)
    assert b.pull("--offline") == path
    b.more["HF_HUB_OFFLINE"] = "1"
    assert b.pull() == path
    b.run("pull", "org/other", code=NOT_FOUND, say="offline")
    assert len(b.hub.asked) == before


@case
def proxy(b):
    b.more["http_proxy"] = b.hub.url
    b.hub.add(NAME, {"config.json": b"{}"})
    b.pull()
    assert b.hub.proxied == 3, b.hub.proxied


@case
def narrow_terminal(b):
    """The progress line is rewritten in place and never longer than the terminal is wide."""
    b.hub.add(NAME, {"config.json": b"{}", "model.safetensors": noise(3 << 20)})
    b.hub.rate = 2e6
    for columns in (40, 80, 200):
        text = b.at_terminal(columns, "pull", NAME)
        lines = [part for line in text.split("\n") for part in line.rstrip("\r").split("\r")]
        shown = [line for line in lines if "%" in line]
        assert len(shown) > 3 and any("MB/s" in line for line in shown), text
        assert max(map(len, shown)) < columns, text
        b.run("rm", NAME)


@case
def over_tls(b):
    """A certificate that nobody knows is refused; SSL_CERT_FILE makes it known; and from there
    nothing leads to plain http."""
    if not shutil.which("openssl"):
        return print("    SKIPPED: needs the command openssl")
    pem = os.path.join(b.folder, "tls.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    pem, "-out", pem + ".crt"], check=True, capture_output=True)
    port = b.hub.serve_tls(pem + ".crt", pem)
    b.hub.add(NAME, SMALL)
    b.more["HF_ENDPOINT"] = f"https://127.0.0.1:{port}"
    b.fails(IO, "cannot be trusted", "SSL_CERT_FILE")
    b.more["SSL_CERT_FILE"] = pem + ".crt"
    b.fails(IO, "from https to an address without")
    some = {k: v for k, v in SMALL.items() if k.endswith(".json")}
    b.pull_is(some, "-i", "*.json")


# ---- servers that misbehave ----

GROUP[0] = "disorder"


@case
def no_ranges(b):
    """A server that always sends everything."""
    files = {"config.json": b"{}", "model.safetensors": noise(11 << 20)}
    b.hub.add(NAME, files)
    b.hub.ranges = False
    b.pull_is(files)


@case
def no_ranges_cut(b):
    """... and breaks off: it starts over, and gets through at last."""
    files = {"model.safetensors": noise(11 << 20), "config.json": b"{}"}
    b.hub.add(NAME, files)
    b.hub.ranges, b.hub.cut = False, 3 << 20
    timer = threading.Timer(1.5, lambda: setattr(b.hub, "cut", 0))
    timer.start()
    b.pull_is(files)


@case
def cut_answers(b):
    """Each answer breaks off after 1.5 MB: the next goes on where it ended."""
    files = {"config.json": b"{}", "model.safetensors": noise(9 << 20)}
    b.hub.add(NAME, files)
    b.hub.cut = 3 << 19
    b.pull_is(files)
    assert b.hub.served == sum(map(len, files.values())), b.hub.served


@case
def stalled(b):
    """A connection that goes silent is given up and taken up again."""
    files = {"config.json": b"{}", "model.safetensors": noise(2 << 20)}
    b.hub.add(NAME, files)
    stalls = [1]

    def fault(handler):
        if handler.place != "cdn" or not stalls:
            return False
        stalls.pop()
        handler.send_response(200)
        handler.send_header("Content-Length", str(2 << 20))
        handler.end_headers()
        handler.wfile.write(files["model.safetensors"][:100_000])
        handler.wfile.flush()
        time.sleep(8)
        return True
    b.hub.fault = fault
    begin = time.monotonic()
    b.pull_is(files, "--timeout", "1")
    assert time.monotonic() - begin < 7


@case
def passing_errors(b):
    b.hub.add(NAME, SMALL)
    b.hub.fault = once(500, 502, 408)
    b.pull_is(SMALL)


@case
def passing_on_cdn(b):
    """A signed address that has run out (403 there, not at the hub) is asked for again."""
    b.hub.add(NAME, SMALL)
    b.hub.fault = once(403, 500, place="cdn")
    b.pull_is(SMALL)
    assert b.hub.count("hub", "/resolve/") == 6


@case
def lasting_errors(b):
    b.hub.add(NAME, SMALL)
    b.hub.fault = always(503, "/resolve/")
    b.fails(IO, "has trouble (503)", "attempts: 2", "what has come is kept",
            options=("--retries", "1"))
    b.hub.fault = None
    b.pull_is(SMALL)


@case
def too_many(b):
    """429: as long as the server asks for, if that is not for ever."""
    b.hub.add(NAME, SMALL)
    b.hub.fault = once(429, headers={"Retry-After": "2"})
    begin = time.monotonic()
    b.pull_is(SMALL)
    assert time.monotonic() - begin >= 2
    b.run("rm", NAME)
    b.hub.fault = always(429, "/resolve/", {"Retry-After": "100000"})
    b.fails(IO, "(429)", "HF_TOKEN", options=("--retries", "3"))


@case
def denied(b):
    b.hub.add(NAME, SMALL)
    b.run("pull", "org/nothing", code=NOT_FOUND, say=["(401)", "HF_TOKEN", "org/nothing"])
    b.hub.fault = always(403, "/resolve/", {"X-Error-Code": "GatedRepo"})
    b.fails(NOT_FOUND, "(403)", f"accept the licence at {b.hub.url}/{NAME}", "set HF_TOKEN")
    b.more["HF_TOKEN"] = "hf_x"
    b.fails(NOT_FOUND, "(403)", "accept the licence")
    b.hub.fault = always(401)
    b.fails(NOT_FOUND, "(401)", "check HF_TOKEN")


@case
def missing(b):
    b.hub.add(NAME, SMALL)
    b.more["HF_TOKEN"] = "hf_x"
    b.run("pull", "org/nothing", code=NOT_FOUND, say=["(404)", "check the name"])
    b.run("pull", NAME + "@v9", code=NOT_FOUND, say=["no such revision", "tree/main"])
    b.hub.fault = always(404, "/resolve/", {"X-Error-Code": "EntryNotFound"})
    b.fails(NOT_FOUND, "no such file (404)")
    for wrong in ("model", "a/b/c", "../x", "org/..", "org/a--b", "-x/y", "org/x@", "org/x:../y"):
        b.run("pull", "--", wrong, code=1, say="no name of a model")


@case
def redirections(b):
    b.hub.add(NAME, SMALL)
    b.hub.fault = lambda h: "/resolve/" in h.path and not h.reply(
        302, b"", {"Location": h.path.split("?")[0] + f"?n={time.monotonic()}"})
    b.fails(IO, "round and round")
    b.hub.fault = always(302, "/resolve/", {"Location": "file:///etc/passwd"})
    b.fails(FORMAT, "no address of the web")
    b.hub.fault = always(302, "/resolve/")  # leads nowhere
    b.fails(IO, "status 302")


@case
def nobody_there(b):
    closed = local_hub.Hub()
    closed.close()
    b.hub.add(NAME, SMALL)
    b.more["HF_ENDPOINT"] = closed.url
    b.fails(IO, "no answer from", "proxy", options=("--retries", "1"))
    b.more["HF_ENDPOINT"] = "ftp://nowhere"
    b.pull(code=1, say="is no URL of a hub")


@case
def not_a_hub(b):
    b.hub.add(NAME, SMALL)
    b.hub.fault = always(200, "/api/", body=b"<html>Please log in</html>")
    b.fails(FORMAT, "not JSON")
    b.hub.fault = always(200, "/tree/", body=b'{"error": 1}')
    b.fails(FORMAT, "is no list")
    b.hub.fault = always(200, "/revision/", body=b'{"sha": "../../x"}')
    b.fails(FORMAT, "which commit")


@case
def hostile_list(b):
    """Names that lead out of the cache, sizes and hashes that are none."""
    b.hub.add(NAME, SMALL)
    oid = "1" * 40
    for path in ("../evil", "/etc/evil", "a/../../evil", "a//b", "a\\b", "./a", "a\x01b", ""):
        item = {"type": "file", "path": path, "size": 1, "oid": oid}
        b.hub.fault = tree_of(item)
        b.fails(FORMAT, "leads out")
    for change in ({"oid": "zz"}, {"size": -1}, {"size": "1"}, {"oid": None}):
        b.hub.fault = tree_of(dict({"type": "file", "path": "a", "size": 1, "oid": oid}, **change))
        b.fails(FORMAT, "without size or hash")


def tree_of(*items):
    def fault(handler):
        return "/tree/" in handler.path and not handler.reply_json(list(items))
    return fault


@case
def wrong_bytes(b):
    """Once: it comes again. Always: an error that names the file, and nothing in the cache."""
    data = SMALL["model.safetensors"]
    b.hub.add(NAME, SMALL)
    wrong = [1]

    def fault(handler):
        if handler.place != "cdn" or not wrong:
            return False
        wrong.pop()
        handler.reply(200, b"\0" + data[1:])
        return True
    b.hub.fault = fault
    b.pull_is(SMALL)
    assert not wrong
    b.run("rm", NAME)
    wrong = [1] * 100
    b.fails(MISMATCH, "model.safetensors", "came twice with another hash")
    b.run("rm", NAME)
    b.hub.fault = always(200, "config.json", body=b'{"model_type": "NONE"}')
    b.fails(MISMATCH, "config.json", "came twice with another hash")  # git's SHA-1


@case
def wrong_sizes(b):
    data = SMALL["model.safetensors"]
    b.hub.add(NAME, SMALL)
    b.hub.fault = lambda h: h.place == "cdn" and not h.reply(200, data + b"more")
    b.fails(MISMATCH, "another file than it lists")
    b.hub.fault = lambda h: h.place == "cdn" and not h.reply(200, data[:-5])
    b.fails(IO, "cut the answer short 2 times", options=("--retries", "1"))


@case
def wrong_etag(b):
    b.hub.add(NAME, SMALL)
    where = f"{b.hub.cdn_url}/x/{local_hub.File(SMALL['model.safetensors'], True).sha256}?signature"
    b.hub.fault = always(302, "model.safetensors",
                         {"X-Linked-Etag": '"' + "a" * 64 + '"', "Location": where})
    b.fails(MISMATCH, "another ETag")


@case
def wrong_range(b):
    """A 206 that begins elsewhere than asked."""
    files = {"config.json": b"{}", "model.safetensors": noise(9 << 20)}
    b.hub.add(NAME, files)

    def fault(handler):
        if handler.place != "cdn":
            return False
        handler.reply(206, b"x" * 100, {"Content-Range": f"bytes 7-106/{9 << 20}"})
        return True
    b.hub.fault = fault
    b.fails(MISMATCH, "another file than it lists")


# ---- zips ----

GROUP[0] = "zips"


def zipped(files, name="m.mlmodelc", top=True):
    """The zip of a compiled model that is none, but looks like one."""
    path = tempfile.mktemp()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for file, data in files.items():
            z.writestr(f"{name}/{file}" if top else file, data)
    with open(path, "rb") as file:
        data = file.read()
    os.unlink(path)
    return data


MODEL = {"model.mil": b"program(1.0) {}", "coremldata.bin": b"\1\2",
         "weights/weight.bin": noise(9999)}


@case
def zips(b):
    """With a folder at the top or without, with the litter of macOS; the zip itself goes."""
    litter = dict({f"m.mlmodelc/{k}": v for k, v in MODEL.items()},
                  **{"__MACOSX/m.mlmodelc/._model.mil": b"x", "m.mlmodelc/.DS_Store": b"x"})
    files = {"meta.yaml": b"model_info:\n  name: m\n", "m.mlmodelc.zip": zipped(MODEL),
             "n.mlmodelc.zip": zipped(MODEL, top=False),
             "sub/o.mlmodelc.zip": zipped(litter, top=False)}
    b.hub.add(NAME, files)
    expected = {"meta.yaml": files["meta.yaml"]}
    for name in ("m", "n", "sub/o"):
        expected.update({f"{name}.mlmodelc/{k}": v for k, v in MODEL.items()})
    b.pull_is(expected)
    before = b.hub.count("cdn")
    b.pull_is(expected)
    assert b.hub.count("cdn") == before
    b.hub.add(NAME, dict(files, more=b"1"))
    b.pull_is(dict(expected, more=b"1"))
    assert b.hub.count("cdn") == before, "unpacked zips of the revision before were fetched again"


@case
def zips_that_escape(b):
    for path in ("../evil", "/tmp/evil", "m.mlmodelc/../../evil", "m.mlmodelc/a\\..\\b"):
        b.hub.add(NAME, {"m.mlmodelc.zip": zipped(dict(MODEL, **{path: b"evil"}), top=False)})
        b.fails(FORMAT, "leads out of it", "m.mlmodelc.zip")
    assert not os.path.exists(os.path.join(b.cache, "models", "evil"))
    b.hub.add(NAME, {"m.mlmodelc.zip": zip_with_mode(stat.S_IFLNK)})
    b.fails(FORMAT, "a link or device")


def zip_with_mode(mode):
    path = tempfile.mktemp()
    with zipfile.ZipFile(path, "w") as z:
        info = zipfile.ZipInfo("m.mlmodelc/model.mil")
        info.create_system = 3
        info.external_attr = (mode | 0o777) << 16
        z.writestr(info, "/etc/passwd")
    with open(path, "rb") as file:
        data = file.read()
    os.unlink(path)
    return data


@case
def zips_that_are_none(b):
    good = zipped(MODEL)
    for data, code, say in (
            (b"PK\3\4" + noise(500), FORMAT, "damaged"),
            (good[:len(good) // 2], FORMAT, "damaged"),
            (good[:3000] + b"\0" * 40 + good[3040:], FORMAT, "damaged"),
            (zipped({"readme.txt": b"x", "b.txt": b"y"}, top=False), FORMAT, "holds no model"),
            (zipped({"model.mil": bytes(300 << 20)}), LIMIT, "no model"),
    ):
        b.hub.add(NAME, {"m.mlmodelc.zip": data})
        b.fails(code, say)
    twice = tempfile.mktemp()
    with zipfile.ZipFile(twice, "w") as z:
        z.writestr("m.mlmodelc/model.mil", b"1")
        z.writestr("m.mlmodelc/x", b"1")
        z.writestr("m.mlmodelc/x/", b"")
    with open(twice, "rb") as file:
        b.hub.add(NAME, {"m.mlmodelc.zip": file.read()})
    os.unlink(twice)
    b.pull("--retries", "0", code=IO)
    b.nothing_there()


# ---- models by name ----

GROUP[0] = "names"


def forms():
    """Every form that ANEMLL and we write: options of the conversion, and how it is published."""
    return [((), "hf"), (("--chunk", "3", "--lm-head-split", "8"), "ios"),
            (("--lm-head-split", "1"), "hf"), (("--argmax", "--lm-head-split", "16"), "hf"),
            (("--monolithic",), "ios"), (("--monolithic", "--argmax"), "hf"),
            (("--lut2", "4", "--lut3", "6", "--chunk", "2"), "hf"), ((), None)]


def answer(b, model, **more):
    return b.run("run", model, "Who are you?", "--max-tokens", "12", **more)


@case
def anemll_repositories(b):
    """Chunks, split heads, argmax, monolithic; zips, folders, packages: they just run."""
    for i, (options, target) in enumerate(forms()):
        out = b.converted(f"out-{i}", "--context", "128", *options)
        shown, place = answer(b, out), out
        if target:
            place = os.path.join(b.folder, f"published-{i}")
            b.run("package", out, "--target", target, "-o", place)
        files = local_hub.read_tree(place)
        files["meta.yaml"] = other_spelling(files["meta.yaml"], i)
        b.hub.add(f"org/form-{i}", {k: v for k, v in files.items() if not k.startswith(".")})
        assert answer(b, f"org/form-{i}", say="pulling") == shown and shown, options
        before = len(b.hub.asked)
        assert answer(b, f"org/form-{i}") == shown and len(b.hub.asked) == before
    said = b.run("inspect", "org/form-1:demo_embeddings.mlmodelc", code=4)
    name = next(n for n in os.listdir(b.run("path", "org/form-1")) if "embeddings" in n)
    said = b.run("inspect", f"org/form-1:{name}")
    assert "input_ids" in said, said
    b.run("inspect", "org/form-1", code=1, say="choose one")
    assert "chunk" in b.run("config", "show", "org/form-1").lower()
    b.run("verify", "org/form-0")


def other_spelling(meta, i):
    """ANEMLL names the FFN without its chunk, as no file is called; others name the first chunk."""
    text = meta.decode()
    return (text.replace("_chunk_01of01", "") if i % 2 else text).encode()


@case
def in_a_folder(b):
    """The model is not at the root; of two, one is chosen."""
    out = b.converted("out", "--context", "128")
    files = {f"ios/{k}": v for k, v in local_hub.read_tree(out).items() if not k.startswith(".")}
    b.hub.add("org/folder", files)
    shown = answer(b, out)
    assert answer(b, "org/folder") == shown
    b.hub.add("org/two", {**files, **{k.replace("ios", "mac", 1): v for k, v in files.items()}})
    assert answer(b, "org/two:mac") == shown
    assert not os.path.exists(os.path.join(b.run("path", "org/two:mac"), "..", "ios"))
    b.run("run", "org/two", "x", code=1, say=["several models", "org/two:FOLDER", "ios, mac"])


@case
def checkpoint_by_name(b):
    """Pulled, converted and cached on first use, saying so."""
    b.hub.add_folder("org/demo", b.demo)
    shown = answer(b, b.converted("out"))
    assert answer(b, "org/demo", say=["pulling org/demo", "plain checkpoint"]) == shown
    before = len(b.hub.asked)
    assert answer(b, "org/demo") == shown and len(b.hub.asked) == before
    b.run("--offline", "bench", "org/demo", "--prefill", "8", "--depth", "0", "--repeats", "1")
    made = b.run("path", "org/demo")
    assert made.endswith(".converted") and not b.run("path", "--source", "org/demo") == made
    path = b.run("pull", "org/demo", "--convert", "--context 128 --lut2 6")
    with open(os.path.join(path, "meta.yaml"), encoding="utf-8") as file:
        assert "context_length: 128" in file.read() and path == made
    b.run("pull", "org/demo", "--convert", "--frob", code=64, say="unknown option --frob")
    assert answer(b, "org/demo") and "checkpoint, converted" in b.run("list")
    text = os.path.join(b.demo, "heldout-stories.txt")
    assert "erplexity" in b.run("eval", "perplexity", "org/demo", "--text", text, "--max-tokens",
                                "60")
    b.run("verify", "org/demo", "--against", "org/demo", "--max-tokens", "64")
    b.run("convert", "org/demo", "-o", os.path.join(b.folder, "again"), "--context", "128")
    b.run("run", "org/not-there", "x", code=NOT_FOUND, say="nor is there a directory")


@case
def gguf_by_name(b):
    """Of several GGUF files one is chosen, converted and kept apart from the others."""
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli", "gguf.py")
    path = os.path.join(b.folder, "x.gguf")
    subprocess.run([sys.executable, tool, b.demo, path], check=True, stdout=subprocess.DEVNULL)
    with open(path, "rb") as file:
        data = file.read()
    b.hub.add("org/gguf", {"demo-A.gguf": data, "demo-B.gguf": data + b"", "README.md": b"x"})
    b.run("run", "org/gguf", "x", code=1, say=["several GGUF", "demo-A.gguf, demo-B.gguf"])
    shown = answer(b, "org/gguf:demo-B.gguf", say="converting")
    assert shown and shown == answer(b, "org/gguf:demo-B.gguf")
    assert b.hub.count("hub", "demo-A") == 0, "more came than was chosen"


@case
def from_c(b):
    """anm_llm_open takes a name: the example program knows nothing of the hub."""
    example = os.path.join(os.path.dirname(b.anemone), "..", "..", "examples", "example-stream")
    if not os.path.exists(example):
        return print("    SKIPPED: the examples are not built")
    b.hub.add_folder("org/demo", b.demo)
    said = []
    for model in (b.converted("out"), "org/demo", "org/demo"):
        done = subprocess.run([example, model, "Once upon", "8"], env=b.env(), timeout=100,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] and said[0] == said[1] == said[2], said


@case
def killed_conversions(b):
    """A conversion on first use is whole or not there, and the next use ends it."""
    b.hub.add_folder("org/demo", b.demo)
    shown, rng = answer(b, b.converted("out")), random.Random(4)
    b.pull_name("org/demo")
    made = b.run("path", "org/demo") + ".converted"
    for _ in range(10):
        process = b.popen("run", "org/demo", "Who are you?", "--max-tokens", "12")
        time.sleep(rng.uniform(0.02, 0.4))
        process.kill()
        process.communicate()
        if os.path.exists(made):
            assert os.path.exists(os.path.join(made, "meta.yaml"))
            shutil.rmtree(made)
    assert answer(b, "org/demo") == shown
    assert [n for n in os.listdir(os.path.dirname(made)) if n.endswith(".converting")] == []


@case
def two_convert_at_once(b):
    b.hub.add_folder("org/demo", b.demo)
    both = [b.popen("run", "org/demo", "Hi", "--max-tokens", "4") for _ in range(2)]
    said = [p.communicate(timeout=100) for p in both]
    assert [p.returncode for p in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sum("converting" in text for _, text in said) == 1, said


@case
def anemll_packages(b):
    """What ANEMLL's own converter made: the functions run with their golden logits elsewhere; here
    it is enough that names lead to them."""
    fixtures = os.path.join(os.environ.get("ANM_FIXTURES", ""), "anemll", "qwen3-a")
    if not os.path.isdir(fixtures):
        return print("    SKIPPED: needs ANM_FIXTURES")
    for form in ("fp16", "lut8"):
        b.hub.add("org/anemll-" + form, local_hub.read_tree(os.path.join(fixtures, form)))
        assert "infer" in b.run("config", "show", "org/anemll-" + form)


# ---- several processes, and ends of them ----

GROUP[0] = "ends"


@case
def two_at_once(b):
    files = dict(SMALL, **{"model.safetensors": noise(9 << 20)})
    b.hub.add(NAME, files)
    b.hub.rate = 1e6
    both = [b.popen("pull", NAME) for _ in range(3)]
    said = [p.communicate(timeout=60) for p in both]
    assert [p.returncode for p in both] == [0, 0, 0], said
    assert contents(said[0][0].strip()) == files
    assert b.hub.served <= sum(map(len, files.values())), "it was downloaded twice"
    assert any("waiting for another process" in text for _, text in said), said


@case
def interrupted(b):
    """SIGINT and SIGTERM end a pull in order; what has come is kept."""
    files = dict(SMALL, **{"model.safetensors": noise(12 << 20)})
    b.hub.add(NAME, files)
    b.hub.rate = 1e6
    for number in (signal.SIGINT, signal.SIGTERM):
        b.hub.served = 0
        process = b.popen("pull", NAME)
        while b.hub.served < 300_000 and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(number)
        _, text = process.communicate(timeout=20)
        assert process.returncode == 128 + number, (process.returncode, text)
        assert not os.path.exists(os.path.join(b.cache, "models/org--model/.lock"))
        b.nothing_there()
    assert "unfinished" in b.run("list") and "unfinished" in b.run("du")
    b.run("rm", NAME)
    b.hub.rate = 0
    b.pull_is(files)


@case
def fifty_kills(b):
    """SIGKILL at any moment loses nothing: every byte that was written is gone on from."""
    rng, kills, pulls = random.Random(50), 0, 0
    files = {"config.json": b"{}" * 50, "meta.yaml": b"a: b\n",
             "m.mlmodelc.zip": zipped(dict(MODEL, **{"weights/weight.bin": noise(12 << 20, 3)})),
             "n.mlmodelc.zip": zipped(MODEL, "n.mlmodelc")}
    for i in range(20):
        files[f"small-{i}.json"] = noise(3000 + i, i)
    size = sum(map(len, files.values()))
    b.hub.add(NAME, files)
    end = time.monotonic() + 100
    while kills < 50 and time.monotonic() < end:
        b.hub.rate = rng.choice([4e5, 1e6, 4e6, 0])
        process = b.popen("pull", NAME)
        try:
            process.wait(rng.uniform(0.01, 0.5))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            kills += 1
            path = b.cache + "/models/org--model"
            whole = [n for n in os.listdir(path) if len(n) == 40] if os.path.isdir(path) else []
            for name in whole:
                check_unpacked(os.path.join(path, name), files)
        else:
            assert process.returncode == 0, process.returncode
            pulls += 1
            check_unpacked(b.pull(), files)
            b.run("rm", NAME)
    b.hub.rate = 0
    check_unpacked(b.pull(), files)
    pulls += 1
    lost = b.hub.served - pulls * size
    print(f"    {kills} kills, {pulls} pulls of {size / 1e6:.1f} MB; {lost / 1e3:.0f} kB were sent "
          f"in vain, {lost / max(kills, 1) / 1e3:.0f} kB a kill")
    # What was on its way when the process died: at most some socket buffers of 8 connections.
    assert kills >= 20 and lost <= kills * (2 << 20), (kills, lost)


def check_unpacked(path, files):
    there = contents(path)
    assert {k: v for k, v in there.items() if ".mlmodelc" not in k} == \
        {k: v for k, v in files.items() if ".mlmodelc" not in k}
    assert len(there["m.mlmodelc/weights/weight.bin"]) == 12 << 20
    assert there["n.mlmodelc/model.mil"] == MODEL["model.mil"]


def main():
    anemone, demo = (os.path.abspath(p) for p in sys.argv[1:3])
    wanted, failed = sys.argv[3:], 0
    hub = local_hub.Hub()
    for group, function in CASES:
        if wanted and function.__name__ not in wanted and group not in wanted:
            continue
        hub.reset()
        hub.repos, hub.refs = {}, {}
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(Bench(anemone, demo, hub, folder))
                result = "OK"
            except (AssertionError, subprocess.TimeoutExpired) as problem:
                result, failed = f"FAILED: {problem}", failed + 1
        print(f"[{function.__name__}] {result} ({time.monotonic() - begin:.1f} s)", flush=True)
    hub.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
