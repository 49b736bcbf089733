#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The web page as `anemone serve` gives it, with a real model, in a headless Chromium.

usage: web_server_test.py ANEMONE DEMO_CHECKPOINT [SCREENSHOT]
"""
import os
import re
import subprocess
import sys
import tempfile
import time

import webdriver

KEY = "s3cret"


def start(anemone, model):
    environment = os.environ | {"ANEMONE_API_KEY": KEY}
    server = subprocess.Popen(
        [anemone, "serve", model, "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seen = ""
    for line in server.stdout:
        seen += line
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        if address:
            return server, address.group(0)
    raise AssertionError(f"the server does not start: {seen}")


def talk(browser, question):
    answers = browser.count(".assistant .tools")
    browser.type("#prompt", question + webdriver.KEYS["enter"])
    more = f"document.querySelectorAll('.assistant .tools').length > {answers}"
    browser.wait("return " + more, "an answer", 60)
    return browser.run("return [...document.querySelectorAll('.assistant .body')].at(-1).innerText")


def converse(browser, address, screenshot):
    browser.open(address + "/")
    browser.wait("return document.querySelector('#settings').open", "the key is asked for")
    browser.run(f"document.querySelector('#settings input[name=key]').value = '{KEY}'")
    browser.run("document.querySelector('#settings input[name=temperature]').value = '0'")
    browser.click("#settings button[value=save]")
    browser.wait("return document.querySelector('#model').options.length", "models after the key")
    browser.click("#log")
    time.sleep(0.5)  # headless Chromium drops keys for a moment after a dialog
    answer = talk(browser, "Who are you?")
    assert "tiny demo language model" in answer, answer
    assert "tokens/s" in browser.text(".assistant .tools"), "its speed"
    assert re.search(r"context \d+ of 512 tokens", browser.text("#status")), "the context's use"
    story = talk(browser, "Tell me a story about a fox.")
    assert "fox" in story and len(story) > 100, story
    if screenshot:
        browser.screenshot(screenshot)
    complaints = [c for c in browser.complaints() if "401" not in c]
    assert not complaints, complaints


def main():
    if not webdriver.available():
        print("SKIPPED: chromium and chromedriver are not installed")
        return 77
    anemone, checkpoint = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "demo")
        command = [anemone, "convert", checkpoint, "-o", model]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server, address = start(anemone, model)
        browser = webdriver.Browser()
        try:
            converse(browser, address, sys.argv[3] if len(sys.argv) > 3 else None)
        finally:
            browser.close()
            server.terminate()
        assert server.wait(30) == 0, "the server ends in good order"
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
