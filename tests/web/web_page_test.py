#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The web page of `anemone serve` in a headless Chromium.

The server before it says what each test needs.

usage: web_page_test.py WEB_DIR [--screenshots DIR]
"""
import http.server
import json
import os
import sys
import threading
import time

import webdriver

MODELS = {
    "object": "list",
    "data": [
        {
            "id": "tiny",
            "object": "model",
            "created": 1700000000,
            "owned_by": "anemone",
            "context_length": 512,
        },
        {
            "id": "other",
            "object": "model",
            "created": 1700000000,
            "owned_by": "anemone",
            "context_length": 1024,
        },
    ],
}
MARKDOWN = """# Title

Some **bold**, *slanted* and `code` with snake_case_name, a [link](https://example.org/a)
and a [bad one](javascript:alert(1)).

- one
- two
  1. inner
  2. again

```python
print("<b>not bold</b>")
```

| a | b |
|:--|--:|
| x | 1 |

> quoted

<img src=x onerror="document.title='broken'">
"""


class Script:
    """What the next answers are: (pieces, seconds between them, status)."""

    def __init__(self):
        self.requests, self.disconnects, self.key = [], 0, None
        self.say("Hello.")

    def say(self, *pieces, pause=0.0, reasoning=(), status=200, finish="stop", cut=False):
        self.answer = dict(
            pieces=pieces, pause=pause, reasoning=reasoning, status=status, finish=finish, cut=cut
        )


class Handler(http.server.SimpleHTTPRequestHandler):
    script = None

    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
        super().end_headers()

    def send_json(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refused(self):
        key = self.script.key
        if key and self.headers.get("Authorization") != f"Bearer {key}":
            self.send_json(401, {"error": {"message": "wrong key"}})
            return True
        return False

    def do_GET(self):
        if self.path == "/v1/models":
            if not self.refused():
                self.send_json(200, MODELS)
        else:
            super().do_GET()

    def event(self, value):
        self.wfile.write(
            f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n".encode()
        )
        self.wfile.flush()

    def stream(self, answer):
        chunk = lambda delta, finish=None: {
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]
        }
        self.event(chunk({"role": "assistant", "content": ""}))
        for text in answer["reasoning"]:
            self.event(chunk({"reasoning_content": text}))
            time.sleep(answer["pause"])
        for text in answer["pieces"]:
            self.event(chunk({"content": text}))
            time.sleep(answer["pause"])
        if answer["cut"]:
            return
        self.event(chunk({}, answer["finish"]))
        self.event(
            {
                "choices": [],
                "usage": {
                    "prompt_tokens": 9,
                    "completion_tokens": len(answer["pieces"]),
                    "total_tokens": 9 + len(answer["pieces"]),
                },
            }
        )
        self.event("[DONE]")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refused():
            return
        self.script.requests.append(body)
        answer = self.script.answer
        if answer["status"] != 200:
            self.send_json(answer["status"], {"error": {"message": "the queue is full"}})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            self.stream(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.script.disconnects += 1
        self.close_connection = True


class Page:
    def __init__(self, browser, url, script, shots):
        self.browser, self.url, self.script, self.shots = browser, url, script, shots
        browser.open(url)
        self.clear()

    def clear(self):
        self.browser.run("localStorage.clear()")
        self.script.__init__()
        self.reload()

    def reload(self):
        self.browser.open(self.url)
        self.browser.wait(
            "return document.querySelector('#model').options.length", "models are listed"
        )

    def ask(self, text, wait=True):
        self.browser.type("#prompt", text + webdriver.KEYS["enter"])
        if wait:
            self.done()

    def done(self):
        self.browser.wait(
            "return !document.querySelector('#send').hidden"
            " && document.querySelectorAll('.assistant .tools').length > 0"
            " || !document.querySelector('#notice').hidden",
            "the answer ends",
        )

    def shot(self, name):
        if self.shots:
            self.browser.screenshot(os.path.join(self.shots, name + ".png"))


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: got {got!r}, not {wanted!r}")


def test_markdown(page):
    page.script.say(*[MARKDOWN[i : i + 7] for i in range(0, len(MARKDOWN), 7)])
    page.ask("Show me Markdown")
    b = page.browser
    equal(b.text(".assistant h2"), "Title", "heading")
    equal(b.text(".assistant strong"), "bold", "strong")
    equal(b.text(".assistant em"), "slanted", "emphasis, and none within snake_case_name")
    equal(
        b.run("return [...document.querySelectorAll('.assistant a')].map(a => a.href).join()"),
        "https://example.org/a",
        "only web links are links",
    )
    equal(b.count(".assistant .body > ul > li"), 2, "list")
    equal(b.count(".assistant ul ol li"), 2, "inner list")
    equal(b.text(".assistant pre"), 'print("<b>not bold</b>")', "code as it is")
    equal(b.text(".assistant td.right"), "1", "table")
    equal(b.count(".assistant img"), 0, "HTML is text")
    check("anemone" in b.run("return document.title"), "nothing of an answer runs")
    page.shot("markdown")


def test_streaming_keeps_blocks(page):
    page.script.say("First paragraph.\n\n", "Second ", "is ", "written.", pause=0.3)
    page.ask("Go", wait=False)
    page.browser.wait(
        "return document.querySelectorAll('.assistant .body p').length == 2", "two paragraphs"
    )
    page.browser.run("window.kept = document.querySelector('.assistant .body p')")
    page.done()
    check("written." in page.browser.text(".assistant .body"), "the whole answer")
    equal(
        page.browser.run("return window.kept.isConnected || window.kept.textContent"),
        "First paragraph.",
        "the chat is drawn again at its end",
    )


def test_thinking_is_folded(page):
    page.script.say("42.", reasoning=("Let me ", "think."))
    page.ask("What is it?")
    equal(page.browser.run("return document.querySelector('.thinking').open"), False, "folded")
    equal(page.browser.text(".thinking summary"), "Thoughts", "label")
    page.browser.click(".thinking summary")
    check("Let me think." in page.browser.text(".thinking"), "the thoughts are there")
    page.ask("And now?")
    check(
        all("reasoning" not in m for m in page.script.requests[1]["messages"]),
        "thoughts are not sent back",
    )


def test_stop(page):
    page.script.say(*["word "] * 400, pause=0.05)
    page.ask("Talk", wait=False)
    page.browser.wait(
        "return document.querySelector('.assistant .body').innerText.length > 20", "it streams"
    )
    check("tokens" in page.browser.text("#status"), "live speed")
    page.browser.type("#prompt", webdriver.KEYS["escape"])
    page.done()
    check("stopped" in page.browser.text(".assistant .tools"), "says that it was stopped")
    for _ in range(100):
        if page.script.disconnects:
            break
        time.sleep(0.05)
    equal(page.script.disconnects, 1, "the server sees that the client is gone")


def test_regenerate_and_edit(page):
    page.ask("One")
    page.script.say("Second try.")
    page.browser.click(".assistant .tools button:nth-child(2)")
    page.done()
    equal(page.browser.text(".assistant .body"), "Second try.", "regenerated")
    equal(
        [m["role"] for m in page.script.requests[-1]["messages"]],
        ["user"],
        "the old answer is not sent",
    )
    page.browser.type("#prompt", webdriver.KEYS["up"])
    equal(
        page.browser.run("return document.querySelector('#prompt').value"),
        "One",
        "the question is back",
    )
    page.browser.type("#prompt", " more" + webdriver.KEYS["enter"])
    page.done()
    equal(page.script.requests[-1]["messages"], [{"role": "user", "content": "One more"}], "edited")


def test_chats_are_kept(page):
    page.ask("First chat")
    page.browser.click("#new-chat")
    page.script.say("Other.")
    page.ask("Second chat")
    page.reload()
    equal(
        page.browser.text("#chats .open").split("\n")[-2:],
        ["Second chat", "First chat"],
        "both are there, the newest first",
    )
    page.browser.run(
        "[...document.querySelectorAll('#chats .open')]"
        ".find(n => n.textContent === 'First chat').click()"
    )
    equal(page.browser.text(".assistant .body"), "Hello.", "its answer")
    page.browser.run("document.querySelector('#chats .current .delete').click()")
    page.browser.accept_dialog()
    page.reload()
    check("First chat" not in page.browser.text("#chats"), "deleted")


def test_settings_reach_the_server(page):
    page.browser.click("#open-settings")
    page.browser.run(
        "const e = document.querySelector('#settings form').elements; e.system.value = 'Be brief.';"
        "e.temperature.value = '0'; e.max_tokens.value = '33'; e.thinking.checked = false"
    )
    page.shot("settings")
    page.browser.click("#settings button[value=save]")
    page.browser.run(
        "const s = document.querySelector('#model'); s.value = 'other';"
        "s.dispatchEvent(new Event('change'))"
    )
    page.ask("Hi")
    sent = page.script.requests[-1]
    equal(sent["messages"][0], {"role": "system", "content": "Be brief."}, "system prompt")
    equal((sent["temperature"], sent["max_tokens"], sent["model"]), (0, 33, "other"), "settings")
    equal(sent["chat_template_kwargs"], {"enable_thinking": False}, "thinking off")


def test_errors_are_shown(page):
    page.script.say(status=429)
    page.ask("Hi")
    check("the queue is full" in page.browser.text("#notice"), "the server's words")
    equal(page.browser.count(".user"), 1, "the question stays")
    page.script.say("Half an ans", cut=True)
    page.ask("Again")
    check("connection ended" in page.browser.text("#notice"), "a cut answer is told")
    check("Half an ans" in page.browser.text(".assistant"), "and kept")


def test_key(page):
    page.script.key = "secret"
    page.browser.open(page.url)
    page.browser.wait("return document.querySelector('#settings').open", "asks for the key")
    page.browser.type("#settings input[name=key]", "secret")
    page.browser.click("#settings button[value=save]")
    page.browser.wait(
        "return document.querySelector('#model').options.length", "models after the key"
    )
    page.browser.click("#log")
    time.sleep(0.5)  # headless Chromium drops keys for a moment after a password field
    page.ask("Hi")
    equal(page.browser.text(".assistant .body"), "Hello.", "answered")


def test_phone(page):
    b = page.browser
    b.call(
        "POST",
        "/goog/cdp/execute",
        {
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": {"width": 375, "height": 700, "deviceScaleFactor": 2, "mobile": True},
        },
    )
    b.call(
        "POST",
        "/goog/cdp/execute",
        {
            "cmd": "Emulation.setEmulatedMedia",
            "params": {"features": [{"name": "prefers-color-scheme", "value": "dark"}]},
        },
    )
    page.script.say(MARKDOWN + "\n" + "w" * 300)
    page.ask("On a phone")
    equal(
        b.run("return document.documentElement.scrollWidth"),
        375,
        "nothing is wider than the screen",
    )
    page.shot("phone-dark")
    equal(
        b.run("return getComputedStyle(document.querySelector('#side')).visibility"),
        "hidden",
        "the list of chats is away",
    )
    b.click("#toggle-side")
    b.wait(
        "return document.querySelector('#side').getBoundingClientRect().left === 0",
        "the list of chats slides in",
    )
    page.shot("phone-side")
    b.call(
        "POST", "/goog/cdp/execute", {"cmd": "Emulation.clearDeviceMetricsOverride", "params": {}}
    )
    b.call(
        "POST",
        "/goog/cdp/execute",
        {"cmd": "Emulation.setEmulatedMedia", "params": {"features": []}},
    )


def tests():
    return [value for name, value in globals().items() if name.startswith("test_")]


def main():
    if not webdriver.available():
        print(
            "SKIPPED: chromium and chromedriver are not installed"
            " (apt install chromium chromium-driver)"
        )
        return 77
    web = os.path.abspath(sys.argv[1])
    shots = sys.argv[3] if len(sys.argv) > 3 and sys.argv[2] == "--screenshots" else None
    script = Script()
    handler = type("Bound", (Handler,), {"script": script})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: handler(*a, directory=web)
    )
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = webdriver.Browser()
    failed = 0
    try:
        page = Page(browser, f"http://127.0.0.1:{server.server_port}/", script, shots)
        for test in tests():
            page.clear()
            try:
                test(page)
                print(f"ok {test.__name__}", flush=True)
            except (AssertionError, RuntimeError) as error:
                failed += 1
                page.shot("failed-" + test.__name__)
                print(f"FAILED {test.__name__}: {error}", flush=True)
        refused = ("401", "429")
        complaints = [c for c in browser.complaints() if not any(code in c for code in refused)]
        if complaints:
            failed += 1
            print("FAILED console:", *complaints, sep="\n  ")
    finally:
        browser.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
