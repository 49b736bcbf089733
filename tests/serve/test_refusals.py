# SPDX-License-Identifier: MIT
"""What is refused, and how."""
import json
import unittest

from serving import Reply, Server, ServeTest, post_bytes

CHAT, TEXT, EMBED = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
HELLO = [{"role": "user", "content": "Hello"}]


class Requests(ServeTest):
    arguments = ("--max-body", "64")

    def refused(self, path, body, param, status=400):
        reply = self.server.post(path, body)
        self.assertEqual(reply.status, status, (body, reply.text))
        self.assertEqual(reply.error["param"], param, (body, reply.text))
        self.assertEqual(reply.error["type"], "invalid_request_error")
        return reply.error

    def test_not_json(self):
        for body in (b"", b"{", b"[1, 2", b'{"a": 1} x', b'{"a": "\xff"}', b'{"a": "\xc3"}',
                     b'{"a": 1, "a": 2}', b"[" * 20000, b'{"prompt": "\\ud800"}', b"\x00\x01"):
            for path in (CHAT, TEXT, EMBED):
                self.refused(path, body, "request")
        for body in (b"[]", b"3", b'"text"', b"null"):
            self.refused(CHAT, body, None)

    def test_model(self):
        error = self.refused(CHAT, {"model": "gpt-4o", "messages": HELLO}, "model", 404)
        self.assertEqual(error["code"], "model_not_found")
        self.refused(CHAT, {"model": 5, "messages": HELLO}, "model")
        self.refused(EMBED, {"model": "demo", "input": "x"}, "model")

    def test_messages(self):
        for messages in (None, [], "hello", {}, 5):
            self.refused(CHAT, {"messages": messages}, "messages")
        for message in ("x", {}, {"role": "user"}, {"role": 5, "content": "x"},
                        {"role": "user", "content": 5}, {"role": "user", "content": None},
                        {"role": "user", "content": [{"type": "image_url"}]},
                        {"role": "user", "content": ["x"]}):
            self.refused(CHAT, {"messages": HELLO + [message]}, "messages[1]")

    def test_fields(self):
        for field, values in {
                "temperature": (-1, 3, "1", [1], True), "top_p": (-0.1, 1.5), "n": (0, 129, 1.5),
                "max_tokens": (0, -1, "5"), "max_completion_tokens": (0,), "stream": ("yes", 1),
                "presence_penalty": (-3, 2.5), "frequency_penalty": (9,), "min_p": (2,),
                "stop": (5, [5], ["a"] * 17, ["a\0b"]), "seed": ("x", 1.5), "top_k": (-2, "x"),
                "logit_bias": ([1], {"x": 1}, {"99999": 1}, {"5": 101}, {"5": "x"}),
                "logprobs": (5, "x"), "top_logprobs": (21, -1, 5), "stream_options": (5,),
                "chat_template_kwargs": ("x",)}.items():
            for value in values:
                self.refused(CHAT, {"messages": HELLO, field: value}, field)

    def test_prompts(self):
        for prompt in (5, {}, [], [[]], [5, "x"], ["x", 5], [5000], [-1], [[1], ["x"]]):
            self.refused(TEXT, {"prompt": prompt}, "prompt")
        self.refused(TEXT, {"prompt": "x", "best_of": 3}, "best_of")
        self.refused(TEXT, {"prompt": "x", "suffix": "y"}, "suffix")
        self.refused(TEXT, {"prompt": "x", "echo": "y"}, "echo")
        self.refused(TEXT, {"prompt": "x", "logprobs": 21}, "logprobs")

    def test_context(self):
        error = self.refused(TEXT, {"prompt": "word " * 2000}, "prompt")
        self.assertEqual(error["code"], "context_length_exceeded")
        long = [{"role": "user", "content": "word " * 2000}]
        error = self.refused(CHAT, {"messages": long}, "messages")
        self.assertEqual(error["code"], "context_length_exceeded")
        self.refused(TEXT, {"prompt": [5] * 512}, "prompt")
        self.assertEqual(self.server.complete([5] * 511).status, 200)

    def test_routes(self):
        for method, path, status, code in (("GET", "/v1/nothing", 404, "unknown_url"),
                                           ("GET", CHAT, 405, "method_not_supported"),
                                           ("POST", "/health", 405, "method_not_supported"),
                                           ("DELETE", "/v1/models/demo", 405,
                                            "method_not_supported")):
            reply = self.server.ask(method, path)
            self.assertEqual((reply.status, reply.error["code"]), (status, code))
        self.assertEqual(self.server.ask("GET", CHAT).headers["Allow"], "POST")

    def test_size(self):
        reply = self.server.post(CHAT, b" " * 70000)
        self.assertEqual((reply.status, reply.error["code"]), (413, "request_too_large"))

    def test_size_of_chunks(self):
        """Without a length beforehand, what comes is counted."""
        client = self.server.raw(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                                 b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            client.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
        client.sendall(b"0\r\n\r\n")
        self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 413 "))
        client.close()

    def test_headers_are_bounded(self):
        client = self.server.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        try:
            client.sendall(b"y" * 200000)
            said = client.recv(100)
        except OSError:
            said = b""
        client.close()
        self.assertFalse(said.startswith(b"HTTP/1.1 200"), said)
        self.assertEqual(self.server.get("/health").status, 200)

    def test_garbage_on_the_socket(self):
        for data in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\0" * 100,
                     b"GET / HTTP/9.9\r\n\r\n",
                     b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Length: -5\r\n\r\n"):
            client = self.server.raw(data)
            client.close()
        self.assertEqual(self.server.get("/health").status, 200)


class Access(ServeTest):
    arguments = ("--api-key", "s3cret-key")

    def test_key(self):
        for path in ("/v1/models", "/metrics", "/v1/models/demo"):
            for headers in ({}, {"Authorization": "s3cret-key"}, {"Authorization": "Bearer "},
                            {"Authorization": "Bearer s3cret-kex"},
                            {"Authorization": "Bearer s3cret-key2"},
                            {"Authorization": "Bearer s3cret-ke"},
                            {"Authorization": "Bearer s3cret-keys3cret-key"}):
                reply = self.server.get(path, **headers)
                self.assertEqual((reply.status, reply.error["code"]), (401, "invalid_api_key"))
                self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer")
            self.assertEqual(self.server.get(path, Authorization="Bearer s3cret-key").status, 200)
            self.assertEqual(self.server.get(path, Authorization="bearer s3cret-key").status, 200)
        self.assertEqual(self.server.chat("Hello").status, 401)

    def test_open_without_key(self):
        self.assertEqual(self.server.get("/health").status, 200)
        self.assertEqual(self.server.get("/").status, 200)

    def test_refused_before_the_body(self):
        """A stranger's request is not read to its end."""
        client = self.server.raw(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                                 b"Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n")
        self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 401 "))
        client.close()


class KeyOfEnvironment(ServeTest):
    env = {"ANEMONE_API_KEY": "from-env"}

    def test_key(self):
        self.assertEqual(self.server.get("/v1/models").status, 401)
        self.assertEqual(self.server.get("/v1/models", Authorization="Bearer from-env").status, 200)


class Pages(ServeTest):
    """Web pages of others, and names that lead here."""

    def test_origins(self):
        own = f"http://localhost:{self.server.port}"
        reply = self.server.get("/health", Host=f"localhost:{self.server.port}", Origin=own)
        self.assertEqual(reply.status, 200)
        reply = self.server.get("/v1/models", Origin="https://evil.example")
        self.assertEqual((reply.status, reply.error["code"]), (403, "origin_not_allowed"))
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)
        self.assertEqual(self.server.ask("OPTIONS", CHAT).status, 405)

    def test_names(self):
        for host in ("evil.example", "localhost.evil.example", f"evil.example:{self.server.port}"):
            self.assertEqual(self.server.get("/health", Host=host).status, 403)
        for host in ("localhost", "127.0.0.1:80", "LOCALHOST:5", "[::1]:9"):
            self.assertEqual(self.server.get("/health", Host=host).status, 200)


class Cors(ServeTest):
    arguments = ("--cors", "https://app.example")

    def test_allowed_origin(self):
        origin = {"Origin": "https://app.example"}
        before = self.server.ask("OPTIONS", CHAT, headers=origin)
        self.assertEqual(before.status, 204)
        self.assertEqual(before.headers["Access-Control-Allow-Origin"], "https://app.example")
        self.assertIn("Authorization", before.headers["Access-Control-Allow-Headers"])
        reply = self.server.get("/v1/models", **origin)
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"], "https://app.example")
        self.assertEqual(self.server.get("/v1/models", Origin="https://evil.example").status, 403)


class Queue(ServeTest):
    arguments = ("--sessions", "1", "--queue", "1", "--timeout", "30")

    def busy(self):
        """Two requests that take long: one runs, one waits."""
        body = {"prompt": [5], "max_tokens": 500, "ignore": 1, "temperature": 0, "n": 4,
                "logit_bias": {"77": 100}}
        clients = []
        for expected in (1, 2):
            clients.append(self.server.raw(post_bytes(TEXT, body)))
            self.server.wait_for(
                lambda n=expected: self.server.metric("anemone_exchanges") == n + 1)
        return clients

    def test_full(self):
        clients = self.busy()
        reply = self.server.chat("Hello")
        self.assertEqual((reply.status, reply.error["code"]), (429, "rate_limit_exceeded"))
        self.assertGreater(int(reply.headers["Retry-After"]), 0)
        self.assertEqual(self.server.metric("anemone_refused_requests_total"), 1)
        for client in clients:
            client.close()
        self.server.wait_for(lambda: self.server.metric("anemone_exchanges") == 1)
        self.assertEqual(self.server.chat("Who are you?", max_tokens=1).status, 200)


class Timeout(ServeTest):
    arguments = ("--timeout", "0.4")

    def test_late(self):
        """Whole replies get 504; a stream that has begun ends with an error event."""
        body = {"prompt": [5], "max_tokens": 500, "n": 40, "logit_bias": {"77": 100}}
        reply = self.server.post(TEXT, body)
        self.assertEqual((reply.status, reply.error["code"]), (504, "timeout"))
        reply = self.server.post(TEXT, dict(body, stream=True))
        self.assertEqual(reply.status, 200)
        last = reply.text.strip().split("\n\n")[-1]
        self.assertEqual(json.loads(last[len("data: "):])["error"]["code"], "timeout")
        self.assertEqual(self.server.metric("anemone_timed_out_requests_total"), 2)


if __name__ == "__main__":
    unittest.main()
