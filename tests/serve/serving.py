# SPDX-License-Identifier: MIT
"""A server under test, and a client that sees every byte."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

ANEMONE = os.environ["ANM_TEST_COMMAND"]
ROOT = os.environ["ANM_TEST_ROOT"]
FIXTURES = os.environ.get("ANM_FIXTURES", "")


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode("utf-8")  # strictly: a reply that is not UTF-8 is a failure

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def error(self):
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        assert error["message"] and error["type"], error
        return error


class Server:
    """`anemone serve` on a free port."""

    def __init__(self, *arguments, env=None):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([ANEMONE, "serve", "--port", "0", *arguments],
                                        stdout=subprocess.PIPE, stderr=self.log,
                                        env=dict(os.environ, **(env or {})))
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.decode())
            match = re.match(r"listening on http://\S*:(\d+)", self.said[-1])
            if match:
                self.port = int(match.group(1))
                return
        self.process.wait(10)
        raise AssertionError(f"no server: {self.stderr()}")

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode()

    def stop(self, expected=0):
        self.process.terminate()
        code = self.process.wait(60)
        self.process.stdout.close()
        assert code == expected, f"exit code {code}: {self.stderr()}"
        assert "Sanitizer" not in self.stderr(), self.stderr()
        self.log.close()

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, timeout=60):
        connection = self.connect(timeout)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection.request(method, path, body, headers or {})
        reply = Reply(connection.getresponse())
        connection.close()
        return reply

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def post(self, path, body, **headers):
        return self.ask("POST", path, body, headers)

    def complete(self, prompt, **more):
        return self.post("/v1/completions", dict({"prompt": prompt, "temperature": 0}, **more))

    def chat(self, text, **more):
        messages = [{"role": "user", "content": text}]
        return self.post("/v1/chat/completions",
                         dict({"messages": messages, "temperature": 0}, **more))

    def metric(self, name):
        """The sum over all labels."""
        values = re.findall(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics").text,
                            re.M)
        assert values, f"no metric {name}"
        return sum(float(value) for value in values)

    def raw(self, data=b""):
        """A bare socket, `data` sent."""
        client = socket.create_connection(("127.0.0.1", self.port), 60)
        client.sendall(data)
        return client

    def wait_for(self, condition, seconds=20):
        """Waits until condition() is true."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not come to that"
            time.sleep(0.02)


def post_bytes(path, body, extra=""):
    body = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def events(reply):
    """The chunks of a stream, checked for its form; the last is [DONE]."""
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"].startswith("text/event-stream"), reply.headers
    parts = reply.text.split("\n\n")
    assert parts[-1] == "" and parts[-2] == "data: [DONE]", parts[-3:]
    assert all(part.startswith("data: {") for part in parts[:-2]), parts
    return [json.loads(part[len("data: "):]) for part in parts[:-2]]


def streamed_text(chunks, index=0, field="content"):
    texts = []
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["index"] == index:
                texts.append(choice.get("text", choice.get("delta", {}).get(field)) or "")
    return "".join(texts)


# Many rows are multiplied in another order than one, so a prompt of which rows are kept differs in
# the last digits from one computed anew, and where two tokens are as likely another may be drawn.
# Tests that compare answers keep short prompts to single rows.
SINGLE_ROWS = {"ANEMONE_PREFILL_ROWS": "1"}


class ServeTest(unittest.TestCase):
    """
    One server, with the demo model, for the tests of a class. One thread of the engine: on a busy
    machine the barriers of several cost more than this small model gains.
    """
    threads = "1"
    arguments = ()
    env = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="anemone-serve-")
        cls.model = os.path.join(cls.folder, "demo")
        subprocess.run([ANEMONE, "convert", os.path.join(ROOT, "models", "demo"), "-o", cls.model],
                       check=True, stdout=subprocess.DEVNULL, timeout=120)
        cls.server = Server("--threads", cls.threads, *cls.arguments, f"demo={cls.model}",
                            *cls.more_models(), env=cls.env)

    @classmethod
    def more_models(cls):
        return []

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            shutil.rmtree(cls.folder)
