#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hub for the tests: the part of the Hugging Face Hub's HTTP API that downloads need, with a
second server in the place of its content network, and hooks to make either of them misbehave.

Large files ("LFS") are redirected to the second server, on another host name and port, as the Hub
does. What was asked and how many bytes went out is kept.

usage as a program: local_hub.py PORT ORG/NAME=DIRECTORY ...
"""
import hashlib
import http.server
import json
import os
import re
import ssl
import sys
import threading
import time
import urllib.parse

PIECE = 64 << 10


def git_hash(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class File:
    def __init__(self, data, lfs):
        self.data, self.lfs = data, lfs
        self.git = git_hash(data)
        self.sha256 = hashlib.sha256(data).hexdigest()

    @property
    def etag(self):
        return self.sha256 if self.lfs else self.git


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients are killed on purpose


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub, place = None, None

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, value, headers=()):
        self.reply(200, json.dumps(value).encode(),
                   {"Content-Type": "application/json", **dict(headers)})

    def do_GET(self):
        if self.path.startswith("http://"):  # asked as a proxy
            self.hub.proxied += 1
            self.path = re.sub(r"^http://[^/]*", "", self.path)
        with self.hub.lock:
            self.hub.asked.append((self.place, self.path, dict(self.headers)))
        if self.hub.fault and self.hub.fault(self):
            return
        (self.answer_hub if self.place == "hub" else self.answer_cdn)()

    # ---- the hub ----

    def answer_hub(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        query = urllib.parse.parse_qs(url.query)
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/(.+)", path)
        if match:
            repo, what, revision = match.groups()
            found = self.find(repo, revision)
            if found:
                getattr(self, "answer_" + what)(repo, found, query)
            return
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if not match:
            return self.reply(404, b"Not Found")
        repo, revision, name = match.groups()
        found = self.find(repo, revision)
        if found:
            self.answer_resolve(repo, found, name)

    def find(self, repo, revision):
        """The commit; or None, the error being answered."""
        if repo not in self.hub.repos:
            known = "Authorization" in self.headers
            self.reply(404 if known else 401, b"Repository not found",
                       {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return None
        commit = self.hub.refs[repo].get(revision, revision)
        if commit not in self.hub.repos[repo]:
            self.reply(404, b"Invalid rev id", {"X-Error-Code": "RevisionNotFound"})
            return None
        return commit

    def answer_revision(self, repo, commit, query):
        files = sorted(self.hub.repos[repo][commit])
        self.reply_json({"id": repo, "sha": commit, "gated": False,
                         "siblings": [{"rfilename": name} for name in files]})

    def answer_tree(self, repo, commit, query):
        items = []
        for name, file in sorted(self.hub.repos[repo][commit].items()):
            item = {"type": "file", "path": name, "size": len(file.data), "oid": file.git}
            if file.lfs:
                item["lfs"] = {"oid": file.sha256, "size": len(file.data), "pointerSize": 134}
                item["oid"] = git_hash(file.sha256.encode())
            items.append(item)
        folders = {os.path.dirname(i["path"]) for i in items} - {""}
        items += [{"type": "directory", "path": f, "oid": "0" * 40, "size": 0} for f in folders]
        begin = int(query.get("cursor", ["0"])[0])
        end = begin + self.hub.page_size
        headers = {}
        if end < len(items):
            headers["Link"] = (f'<{self.hub.url}/api/models/{repo}/tree/{commit}?recursive=true'
                               f'&cursor={end}>; rel="next"')
        self.reply_json(items[begin:end], headers)

    def answer_resolve(self, repo, commit, name):
        file = self.hub.repos[repo][commit].get(name)
        if not file:
            return self.reply(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
        headers = {"X-Repo-Commit": commit, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}
        if file.lfs:
            where = f"{self.hub.cdn_url}/{repo}/{file.sha256}?signature=abc%2Fdef&name={len(name)}"
            headers.update({"X-Linked-Etag": f'"{file.sha256}"', "Location": where,
                            "X-Linked-Size": str(len(file.data))})
            return self.reply(302, b"Found. Redirecting", headers)
        self.send_content(file.data, headers)

    # ---- the content network ----

    def answer_cdn(self):
        url = urllib.parse.urlsplit(self.path)
        sha = url.path.rsplit("/", 1)[-1]
        data = self.hub.contents.get(sha)
        if data is None or "signature" not in url.query:
            return self.reply(403, b"<Error>no</Error>")
        self.send_content(data, {"ETag": '"0123456789abcdef0123456789abcdef-4"'})

    def send_content(self, data, headers):
        first, last, status = 0, len(data) - 1, 200
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if match and self.hub.ranges:
            first = int(match.group(1))
            last = min(last, int(match.group(2) or last))
            status = 206
        if first > last and len(data):
            return self.reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.send_pieces(memoryview(data)[first:last + 1])

    def send_pieces(self, data):
        hub = self.hub
        with hub.lock:
            hub.active += 1
            hub.most_active = max(hub.most_active, hub.active)
        try:
            for at in range(0, len(data), PIECE):
                piece = data[at:at + PIECE]
                if hub.cut and at + len(piece) > hub.cut:
                    piece = piece[:max(0, hub.cut - at)]
                self.wfile.write(piece)
                with hub.lock:
                    hub.served += len(piece)
                if hub.cut and at + len(piece) >= hub.cut and at + len(piece) < len(data):
                    self.wfile.flush()
                    self.close_connection = True
                    return
                if hub.rate:
                    time.sleep(len(piece) / hub.rate)
        finally:
            with hub.lock:
                hub.active -= 1


class Hub:
    def __init__(self, port=0):
        self.repos, self.refs, self.contents = {}, {}, {}
        self.lock = threading.Lock()
        self.servers = []
        self.url = self.serve("hub", "127.0.0.1", port)
        self.cdn_url = self.serve("cdn", "localhost")
        self.reset()

    def reset(self):
        """Good manners, and nothing counted."""
        self.fault = None     # called with each request's handler; True: it has answered
        self.ranges = True
        self.cut = 0          # bytes after which an answer breaks off
        self.rate = 0         # bytes a second for each connection
        self.page_size = 1000
        self.asked, self.served, self.proxied = [], 0, 0
        self.active = self.most_active = 0

    def serve(self, place, host, port=0):
        handler = type("Handler", (Handler,), {"hub": self, "place": place})
        server = Server(("127.0.0.1", port), handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.servers.append(server)
        return f"http://{host}:{server.server_address[1]}"

    def serve_tls(self, certificate, key):
        """The hub's port over TLS; its files stay on the other servers."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        handler = type("Handler", (Handler,), {"hub": self, "place": "hub"})
        server = Server(("127.0.0.1", 0), handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.servers.append(server)
        return server.server_address[1]

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def add(self, repo, files, commit=None, refs=("main",), lfs_from=4096):
        """A commit with these files (path -> bytes); larger ones are kept by LFS."""
        made = {name: File(data, len(data) >= lfs_from) for name, data in files.items()}
        commit = commit or hashlib.sha1(repr(sorted((n, f.sha256) for n, f in made.items())
                                             ).encode()).hexdigest()
        self.repos.setdefault(repo, {})[commit] = made
        self.refs.setdefault(repo, {}).update({ref: commit for ref in refs})
        self.contents.update({f.sha256: f.data for f in made.values()})
        return commit

    def add_folder(self, repo, folder, **more):
        return self.add(repo, read_tree(folder), **more)

    def count(self, place, part=""):
        return sum(1 for p, path, _ in self.asked if p == place and part in path)


def read_tree(folder):
    """Relative path -> content."""
    out = {}
    for path, _, names in os.walk(folder):
        for name in names:
            full = os.path.join(path, name)
            with open(full, "rb") as file:
                out[os.path.relpath(full, folder).replace(os.sep, "/")] = file.read()
    return out


def main():
    hub = Hub(int(sys.argv[1]))
    for argument in sys.argv[2:]:
        repo, folder = argument.split("=", 1)
        print(repo, hub.add_folder(repo, folder))
    print(f"HF_ENDPOINT={hub.url}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
