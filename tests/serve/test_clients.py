# SPDX-License-Identifier: MIT
"""Clients that go away, are slow, or come while the server stops."""
import json
import os
import signal
import socket
import threading
import time
import unittest

from serving import Reply, ServeTest, Server, events, post_bytes

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
# Never ends by itself: one token, over and over.
LONG = {"prompt": [5], "max_tokens": 500, "temperature": 0, "logit_bias": {"77": 100}, "n": 8}


class Disconnects(ServeTest):
    arguments = ("--sessions", "2")

    def gone(self, body, wait):
        before = self.server.metric("anemone_cancelled_requests_total")
        client = self.server.raw(post_bytes(TEXT, body))
        wait(client)
        client.close()
        self.server.wait_for(
            lambda: self.server.metric("anemone_cancelled_requests_total") == before + 1)
        self.server.wait_for(lambda: self.server.metric("anemone_running_requests") == 0)
        self.server.wait_for(lambda: self.server.metric("anemone_exchanges") == 1)

    def test_in_a_stream(self):
        def read_some(client):
            got = b""
            while got.count(b"data: ") < 3:
                got += client.recv(4096)
        generated = self.server.metric("anemone_generated_tokens_total")
        self.gone(dict(LONG, stream=True), read_some)
        generated = self.server.metric("anemone_generated_tokens_total") - generated
        self.assertLess(generated, 8 * 500)
        self.assertIn('code="499"', self.server.get("/metrics").text)

    def test_before_the_reply(self):
        def until_running(_):
            self.server.wait_for(lambda: self.server.metric("anemone_running_requests") > 0)
        self.gone(LONG, until_running)

    def test_in_the_queue(self):
        first = self.server.raw(post_bytes(TEXT, dict(LONG, stream=True)))
        self.server.wait_for(lambda: self.server.metric("anemone_running_requests") == 2)
        before = self.server.metric("anemone_cancelled_requests_total")
        waiting = self.server.metric("anemone_queued_requests")
        second = self.server.raw(post_bytes(TEXT, dict(LONG, n=1)))
        self.server.wait_for(lambda: self.server.metric("anemone_queued_requests") > waiting
                             or self.server.metric("anemone_running_requests") == 0)
        second.close()
        first.close()
        self.server.wait_for(
            lambda: self.server.metric("anemone_cancelled_requests_total") == before + 2)

    def test_with_a_reset(self):
        client = self.server.raw(post_bytes(TEXT, dict(LONG, stream=True)))
        client.recv(100)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        self.server.wait_for(lambda: self.server.metric("anemone_exchanges") == 1)

    def test_in_the_request(self):
        whole = post_bytes(CHAT, {"messages": [{"role": "user", "content": "Hello"}]})
        for cut in (10, 60, len(whole) - 1):
            self.server.raw(whole[:cut]).close()
        self.server.wait_for(lambda: self.server.metric("anemone_exchanges") == 1)
        self.assertEqual(self.server.chat("Hello", max_tokens=1).status, 200)


class Slow(ServeTest):
    def test_request_byte_by_byte(self):
        client = self.server.raw()
        for byte in post_bytes(TEXT, {"prompt": "Once", "max_tokens": 2, "temperature": 0},
                               "Connection: close\r\n"):
            client.sendall(bytes([byte]))
            time.sleep(0.0005)
        got = b""
        while part := client.recv(4096):
            got += part
        client.close()
        self.assertTrue(got.startswith(b"HTTP/1.1 200 OK\r\n"), got)

    def test_reader_that_stops_holds_up_nobody(self):
        """Its answer waits; that of others comes, and in the end its own too, whole."""
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.connect(("127.0.0.1", self.server.port))
        body = dict(LONG, n=2, stream=True, logprobs=20, max_tokens=400)
        small.sendall(post_bytes(TEXT, body, "Connection: close\r\n"))
        for _ in range(5):
            self.assertEqual(self.server.chat("Who are you?", max_tokens=4).status, 200)
        self.server.wait_for(lambda: self.server.metric("anemone_generated_tokens_total") > 50)
        got = b""
        small.settimeout(30)
        while part := small.recv(65536):
            got += part
        small.close()
        self.assertIn(b"data: [DONE]", got)
        self.assertEqual(got.count(b'"finish_reason":"length"'), 2)

    def test_connections_are_kept(self):
        connection = self.server.connect()
        for _ in range(3):
            connection.request("POST", TEXT, json.dumps({"prompt": "Once", "max_tokens": 1}))
            self.assertEqual(Reply(connection.getresponse()).status, 200)
        connection.close()


class Trickle(ServeTest):
    arguments = ("--read-timeout", "0.3")

    def test_body_that_takes_too_long(self):
        client = self.server.raw(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                                 b"Content-Length: 8\r\n\r\n{")
        self.assertEqual(self.server.chat("Who are you?", max_tokens=1).status, 200)
        time.sleep(0.8)  # more than twice the limit: it is told all the same
        client.sendall(b"       ")
        self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 408 "))
        client.close()


class Shutdown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ServeTest.setUpClass.__func__(cls)
        cls.server.stop()

    threads = "1"
    arguments = ()
    env = None
    more_models = classmethod(lambda cls: [])

    @classmethod
    def tearDownClass(cls):
        import shutil
        shutil.rmtree(cls.folder)

    def serve(self, *arguments):
        return Server("--threads", "1", *arguments, f"demo={self.model}")

    def in_background(self, server, body):
        replies = []
        thread = threading.Thread(target=lambda: replies.append(server.post(TEXT, body)))
        thread.start()
        server.wait_for(lambda: server.metric("anemone_running_requests") > 0)
        return thread, replies

    def test_running_requests_end(self):
        server = self.serve()
        for body in (dict(LONG, n=1, max_tokens=200), dict(LONG, n=1, max_tokens=200, stream=True)):
            if server.process.poll() is not None:
                server = self.serve()
            thread, replies = self.in_background(server, body)
            server.stop()
            thread.join()
            reply = replies[0]
            self.assertEqual(reply.status, 200)
            if "stream" in body:
                self.assertEqual(events(reply)[-1]["choices"][0]["finish_reason"], "length")
            else:
                self.assertEqual(reply.json["usage"]["completion_tokens"], 200)

    def test_beyond_the_grace(self):
        server = self.serve("--grace", "0.2")
        thread, replies = self.in_background(server, dict(LONG, n=100))
        start = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - start, 20)
        thread.join()
        self.assertEqual((replies[0].status, replies[0].error["code"]), (503, "shutting_down"))

    def test_idle_connections_do_not_hold_it(self):
        server = self.serve()
        clients = [server.raw() for _ in range(5)]
        kept = server.connect()
        kept.request("GET", "/health")
        Reply(kept.getresponse())
        start = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - start, 10)
        for client in clients:
            client.close()
        kept.close()

    def test_second_signal(self):
        server = self.serve()
        thread, _ = self.in_background_quietly(server, dict(LONG, n=100))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.process.wait(20), -signal.SIGINT)
        server.process.stdout.close()
        server.log.close()
        thread.join()

    def in_background_quietly(self, server, body):
        def ask():
            try:
                server.post(TEXT, body)
            except OSError:
                pass
        thread = threading.Thread(target=ask)
        thread.start()
        server.wait_for(lambda: server.metric("anemone_running_requests") > 0)
        return thread, None

    def test_interrupt(self):
        server = self.serve()
        server.process.send_signal(signal.SIGINT)
        self.assertEqual(server.process.wait(20), 0)
        server.process.stdout.close()
        server.log.close()


if __name__ == "__main__":
    unittest.main()
