# SPDX-License-Identifier: MIT
"""What each endpoint answers."""
import math
import unittest

from serving import SINGLE_ROWS, ServeTest, events, streamed_text

WHO = "I am Anemone, the tiny demo language model of the anemone project."


class Information(ServeTest):
    def test_health(self):
        reply = self.server.get("/health")
        self.assertEqual((reply.status, reply.json), (200, {"status": "ok"}))

    def test_models(self):
        models = self.server.get("/v1/models").json
        self.assertEqual(models["object"], "list")
        self.assertEqual([model["id"] for model in models["data"]], ["demo"])
        one = self.server.get("/v1/models/demo")
        self.assertEqual(one.json, models["data"][0])
        self.assertEqual(one.json["context_length"], 512)
        self.assertEqual(self.server.get("/v1/models/other").error["code"], "model_not_found")

    def test_metrics(self):
        before = self.server.metric("anemone_generated_tokens_total")
        self.server.chat("Who are you?", max_tokens=3)
        self.assertEqual(self.server.metric("anemone_generated_tokens_total"), before + 3)
        text = self.server.get("/metrics").text
        self.assertIn('anemone_requests_total{endpoint="/v1/chat/completions",code="200"}', text)
        self.assertIn('anemone_first_token_seconds_bucket{le="+Inf"}', text)
        for line in text.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) \S+ .+|\w+(\{[^}]*\})? \S+)$")

    def test_page(self):
        page = self.server.get("/")
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["Content-Type"])
        self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
        again = self.server.get("/", **{"If-None-Match": page.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        script = self.server.get("/chat.js")
        self.assertIn("text/javascript", script.headers["Content-Type"])
        self.assertEqual(self.server.get("/../server.c").status, 404)

    def test_head(self):
        reply = self.server.ask("HEAD", "/health")
        self.assertEqual((reply.status, reply.body), (200, b""))


class Chat(ServeTest):
    env = SINGLE_ROWS
    def test_whole(self):
        reply = self.server.chat("Who are you?", model="demo")
        self.assertEqual(reply.status, 200)
        answer = reply.json
        self.assertEqual(answer["object"], "chat.completion")
        self.assertEqual(answer["model"], "demo")
        choice = answer["choices"][0]
        self.assertEqual(choice["message"]["role"], "assistant")
        self.assertEqual(choice["message"]["content"], WHO)
        self.assertEqual(choice["finish_reason"], "stop")
        usage = answer["usage"]
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])

    def test_stream(self):
        chunks = events(self.server.chat("Who are you?", stream=True))
        self.assertEqual(streamed_text(chunks), WHO)
        self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
        self.assertEqual(reasons, [None] * (len(chunks) - 1) + ["stop"])
        self.assertEqual(len({chunk["id"] for chunk in chunks}), 1)
        self.assertNotIn("usage", chunks[-1])

    def test_stream_usage(self):
        chunks = events(self.server.chat("Who are you?", stream=True, max_tokens=4,
                                         stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1]["choices"], [])
        self.assertEqual(chunks[-1]["usage"]["completion_tokens"], 4)
        self.assertTrue(all(chunk["usage"] is None for chunk in chunks[:-1]))
        self.assertEqual(chunks[-2]["choices"][0]["finish_reason"], "length")

    def test_max_completion_tokens(self):
        answer = self.server.chat("Who are you?", max_completion_tokens=2).json
        self.assertEqual(answer["usage"]["completion_tokens"], 2)
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")

    def test_stop(self):
        for stop in (", the", [", the", "xyz"], ["", " Anemone, t"]):
            answer = self.server.chat("Who are you?", stop=stop).json["choices"][0]
            expected = "I am" if " Anemone, t" in stop else "I am Anemone"
            self.assertEqual(answer["message"]["content"], expected)
            self.assertEqual(answer["finish_reason"], "stop")
            chunks = events(self.server.chat("Who are you?", stop=stop, stream=True))
            self.assertEqual(streamed_text(chunks), expected)

    def test_parts_and_developer(self):
        messages = [{"role": "developer", "content": "Be short."},
                    {"role": "user", "content": [{"type": "text", "text": "Who are "},
                                                 {"type": "text", "text": "you?"}]}]
        parts = self.server.post("/v1/chat/completions", {"messages": messages, "temperature": 0})
        messages = [{"role": "system", "content": "Be short."},
                    {"role": "user", "content": "Who are you?"}]
        plain = self.server.post("/v1/chat/completions", {"messages": messages, "temperature": 0})
        self.assertEqual(parts.json["choices"], plain.json["choices"])

    def test_several_choices_differ_by_seed(self):
        def texts(**more):
            reply = self.server.chat("Tell me a story.", n=3, temperature=1.5, max_tokens=12,
                                     **more)
            choices = reply.json["choices"]
            self.assertEqual([choice["index"] for choice in choices], [0, 1, 2])
            return [choice["message"]["content"] for choice in choices]
        first = texts(seed=7)
        self.assertEqual(first, texts(seed=7))
        self.assertNotEqual(first, texts(seed=8))
        self.assertEqual(len(set(first)), 3)
        chunks = events(self.server.chat("Tell me a story.", n=3, temperature=1.5, max_tokens=12,
                                         seed=7, stream=True))
        self.assertEqual([streamed_text(chunks, i) for i in range(3)], first)

    def test_logprobs(self):
        answer = self.server.chat("Who are you?", logprobs=True, top_logprobs=3).json
        content = answer["choices"][0]["logprobs"]["content"]
        self.assertEqual(len(content), answer["usage"]["completion_tokens"])
        self.assertEqual("".join(entry["token"] for entry in content), WHO)
        for entry in content:
            self.assertEqual(bytes(entry["bytes"]).decode(), entry["token"])
            self.assertLessEqual(entry["logprob"], 0)
            self.assertEqual(len(entry["top_logprobs"]), 3)
            self.assertEqual(entry["top_logprobs"][0]["token"], entry["token"])
        chunks = events(self.server.chat("Who are you?", logprobs=True, top_logprobs=3,
                                         stream=True))
        streamed = [entry for chunk in chunks
                    for entry in (chunk["choices"][0]["logprobs"] or {"content": []})["content"]]
        self.assertEqual(streamed, content)

    def test_logit_bias(self):
        plain = self.server.complete([398, 1001], max_tokens=1).json["choices"][0]["text"]
        forced = self.server.complete([398, 1001], max_tokens=3, logit_bias={"77": 100}).json
        single = self.server.complete([77], max_tokens=0, echo=True).json["choices"][0]["text"]
        self.assertEqual(forced["choices"][0]["text"], single * 3)
        self.assertNotEqual(plain, single)
        never = {str(i): -100 for i in range(2048) if i != 5}
        only = self.server.complete([398, 1001], max_tokens=2, temperature=1.5, logit_bias=never)
        five = self.server.complete([5], max_tokens=0, echo=True).json["choices"][0]["text"]
        self.assertEqual(only.json["choices"][0]["text"], five * 2)

    def test_reuse_of_a_prefix(self):
        messages = [{"role": "user", "content": "Tell me a story about a fox and a crow."}]
        first = self.server.post("/v1/chat/completions",
                                 {"messages": messages, "temperature": 0, "max_tokens": 20}).json
        messages += [first["choices"][0]["message"], {"role": "user", "content": "Go on."}]
        second = self.server.post("/v1/chat/completions",
                                  {"messages": messages, "temperature": 0, "max_tokens": 5}).json
        cached = second["usage"]["prompt_tokens_details"]["cached_tokens"]
        self.assertGreaterEqual(cached, first["usage"]["prompt_tokens"])


class Completions(ServeTest):
    env = SINGLE_ROWS
    def test_whole_and_stream(self):
        whole = self.server.complete("Once upon a time", max_tokens=8).json
        self.assertEqual(whole["object"], "text_completion")
        text = whole["choices"][0]["text"]
        chunks = events(self.server.complete("Once upon a time", max_tokens=8, stream=True))
        self.assertEqual(streamed_text(chunks), text)
        self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], "length")

    def test_default_length_is_16(self):
        usage = self.server.complete("Once upon a time").json["usage"]
        self.assertEqual(usage["completion_tokens"], 16)

    def test_several_prompts_keep_their_order(self):
        prompts = ["Once upon a time", "The fox", "A crow", "In the garden", "She said"]
        alone = [self.server.complete(prompt, max_tokens=6).json["choices"][0]["text"]
                 for prompt in prompts]
        together = self.server.complete(prompts, max_tokens=6).json["choices"]
        self.assertEqual([choice["text"] for choice in together], alone)
        self.assertEqual([choice["index"] for choice in together], [0, 1, 2, 3, 4])

    def test_echo_with_logprobs_scores_the_prompt(self):
        """What lm-evaluation-harness asks: the prompt's tokens, each under those before it."""
        asked = {"max_tokens": 1, "echo": True, "logprobs": 1}
        choice = self.server.complete("Once upon a time", **asked).json["choices"][0]
        log = choice["logprobs"]
        self.assertEqual("".join(log["tokens"]), choice["text"])
        self.assertIsNone(log["token_logprobs"][0])
        self.assertIsNone(log["top_logprobs"][0])
        self.assertEqual(log["text_offset"], [0, 4, 9, 11, 16])
        # The same numbers as if the tokens had been generated.
        generated = self.server.complete("Once upon", max_tokens=2, logprobs=1).json["choices"][0]
        self.assertEqual(generated["text"], " a time")
        for got, expected in zip(log["token_logprobs"][2:4],
                                 generated["logprobs"]["token_logprobs"]):
            self.assertTrue(math.isclose(got, expected, abs_tol=1e-3), (got, expected))

    def test_token_ids(self):
        text = self.server.complete("Once upon a time", max_tokens=4, echo=True).json
        ids = [[398, 1001], [5]]
        many = self.server.complete(ids, max_tokens=3, echo=True, logprobs=0).json
        self.assertEqual(len(many["choices"]), 2)
        self.assertEqual(len(many["choices"][0]["logprobs"]["tokens"]), 5)
        one = self.server.complete(ids[0], max_tokens=3, echo=True, logprobs=0).json
        self.assertEqual(one["choices"][0], many["choices"][0])
        self.assertTrue(text["choices"][0]["text"].startswith("Once upon a time"))

    def test_nothing_generated(self):
        answer = self.server.complete("Once upon a time", max_tokens=0, echo=True).json
        self.assertEqual(answer["choices"][0]["text"], "Once upon a time")
        self.assertEqual(answer["usage"]["completion_tokens"], 0)

    def test_empty_prompt(self):
        self.assertEqual(self.server.complete("", max_tokens=2).status, 200)


if __name__ == "__main__":
    unittest.main()
