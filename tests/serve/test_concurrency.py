# SPDX-License-Identifier: MIT
"""Many at once: nothing lost, nothing mixed up, the same as one after the other."""
import random
import threading
import unittest

from serving import SINGLE_ROWS, ServeTest, events, post_bytes, streamed_text

QUESTIONS = ["Who are you?", "Tell me a story about a fox.", "Tell me a story about a crow.",
             "What can you do?", "Tell me about a mouse and a cat.", "Hello!",
             "Tell me a story about a king who lost his crown.", "Where do you live?"]


def at_once(works):
    """Runs them in threads; their results in order."""
    results = [None] * len(works)

    def run(index):
        results[index] = works[index]()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def ask(server, question, **more):
    chunks = events(server.chat(question, **dict({"max_tokens": 40, "stream": True}, **more)))
    names = {chunk["id"] for chunk in chunks}
    assert len(names) == 1, names
    return names.pop(), streamed_text(chunks)


class Threads(ServeTest):
    threads = "2"
    env = SINGLE_ROWS
    arguments = ("--sessions", "8")

    def test_eight_at_once_equal_to_serial(self):
        serial = [ask(self.server, question)[1] for question in QUESTIONS]
        for _ in range(2):
            together = at_once([lambda q=q: ask(self.server, q) for q in QUESTIONS])
            self.assertEqual([text for _, text in together], serial)
            self.assertEqual(len({name for name, _ in together}), len(QUESTIONS))


class Streams(ServeTest):
    env = SINGLE_ROWS
    arguments = ("--sessions", "8")

    def test_seeds_are_each_requests_own(self):
        def story(seed):
            return ask(self.server, "Tell me a story.", temperature=1.2, seed=seed)[1]
        serial = [story(seed) for seed in range(8)]
        self.assertGreater(len(set(serial)), 4)
        self.assertEqual(at_once([lambda s=s: story(s) for s in range(8)]), serial)

    def test_short_streams_are_whole(self):
        """An answer may be over before the thread that took the request looks again."""
        def stories():
            return {ask(self.server, QUESTIONS[0], max_tokens=2)[1] for _ in range(60)}
        short = ask(self.server, QUESTIONS[0], max_tokens=2)[1]
        self.assertEqual(at_once([stories] * 4), [{short}] * 4)

    def test_takes_turns(self):
        """A short answer that comes last is not the last to end."""
        order = []
        long = self.server.raw(post_bytes("/v1/completions", {
            "prompt": [5], "max_tokens": 500, "n": 3, "stream": True,
            "logit_bias": {"77": 100}}, "Connection: close\r\n"))
        long.recv(1)

        def read_all():
            while long.recv(65536):
                pass
            order.append("long")
        thread = threading.Thread(target=read_all)
        thread.start()
        ask(self.server, "Tell me a story.", max_tokens=5)
        order.append("short")
        thread.join()
        long.close()
        self.assertEqual(order, ["short", "long"])


class FewSessions(ServeTest):
    env = SINGLE_ROWS
    arguments = ("--sessions", "3", "--queue", "100")

    def test_mixed_load(self):
        """Chats, completions, scores and lists, more than there are sessions, in any order."""
        works = []
        for i in range(6):
            works += [
                lambda i=i: self.server.chat(QUESTIONS[i], max_tokens=20).json["choices"],
                lambda i=i: streamed_text(events(
                    self.server.chat(QUESTIONS[i], max_tokens=20, stream=True))),
                lambda i=i: self.server.complete(QUESTIONS[i], max_tokens=1, echo=True,
                                                 logprobs=1).json["choices"],
                lambda i=i: self.server.complete(QUESTIONS[i:i + 3], max_tokens=7).json["choices"],
            ]
        serial = [work() for work in works]
        order = list(range(len(works)))
        random.Random(5).shuffle(order)
        together = at_once([works[i] for i in order])
        for place, i in enumerate(order):
            self.assertEqual(self.rounded(together[place]), self.rounded(serial[i]))
        self.assertEqual(self.server.metric("anemone_sessions"), 3)
        self.assertEqual(self.server.metric("anemone_running_requests"), 0)

    def rounded(self, value):
        """Log-probabilities to 4 digits: a reused prefix was computed in other batches."""
        if isinstance(value, float):
            return round(value, 3)
        if isinstance(value, list):
            return [self.rounded(item) for item in value]
        if isinstance(value, dict):
            return {key: self.rounded(item) for key, item in value.items()}
        return value

    def test_a_list_lets_others_pass(self):
        """A request of 200 prompts does not make a single one wait for all of them."""
        many = self.server.raw(post_bytes("/v1/completions", {
            "prompt": [QUESTIONS[i % 8] for i in range(200)], "max_tokens": 10, "stream": True,
            "temperature": 0}, "Connection: close\r\n"))
        many.recv(1)
        done = []

        def read_all():
            while many.recv(65536):
                pass
            done.append("many")
        thread = threading.Thread(target=read_all)
        thread.start()
        self.server.chat("Who are you?", max_tokens=5)
        done.append("one")
        thread.join()
        many.close()
        self.assertEqual(done, ["one", "many"])


if __name__ == "__main__":
    unittest.main()
