# SPDX-License-Identifier: MIT
"""Answers of a form: JSON, grammars, calls of tools, thoughts."""
import json
import os
import shutil
import unittest

from serving import ServeTest, events, streamed_text

TEMPLATE = """{%- if tools %}{{- '<|im_start|>system\\n<tools>' }}{%- for tool in tools %}\
{{- tool | tojson }}{%- endfor %}{{- '</tools> answer with <tool_call>{"name": ..., \
"arguments": ...}</tool_call><|im_end|>\\n' }}{%- endif %}{%- for message in messages %}\
{{- '<|im_start|>' + message.role + '\\n' }}{%- if message.content %}{{- message.content }}\
{%- endif %}{%- for call in message.tool_calls or [] %}{{- '<tool_call>\\n{"name": "' + \
call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + \
'}\\n</tool_call>' }}\
{%- endfor %}{{- '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}\
{{- '<|im_start|>assistant\\n' }}{%- if open_thought %}{{- '<think>\\n' }}{%- endif %}\
{%- endif %}"""


def tool(name, **properties):
    return {"type": "function", "function": {
        "name": name, "description": "A tool.",
        "parameters": {"type": "object", "properties": properties}}}


TOOLS = [tool("get_weather", city={"type": "string"}), tool("get_time")]


class Forms(ServeTest):
    @classmethod
    def more_models(cls):
        """The demo model with a template that knows tools and thoughts."""
        other = os.path.join(cls.folder, "tools")
        shutil.copytree(cls.model, other)
        path = os.path.join(other, "tokenizer_config.json")
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        config["chat_template"] = TEMPLATE
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        return [f"tools={other}"]

    def ask(self, **more):
        messages = more.pop("messages", [{"role": "user", "content": "What is the weather?"}])
        model = more.pop("model", "tools")
        return self.server.post("/v1/chat/completions", dict(
            {"model": model, "messages": messages, "temperature": 0, "max_tokens": 100}, **more))

    def choice(self, **more):
        reply = self.ask(**more)
        self.assertEqual(reply.status, 200, reply.text)
        return reply.json["choices"][0]

    def test_json_object(self):
        for seed in range(4):
            choice = self.choice(response_format={"type": "json_object"}, temperature=1, seed=seed,
                                 max_tokens=200)
            if choice["finish_reason"] == "stop":
                self.assertIsInstance(json.loads(choice["message"]["content"]), dict)
            else:
                self.assertTrue(choice["message"]["content"].startswith("{"))

    def test_json_schema(self):
        schema = {"type": "object", "required": ["colour", "count"], "additionalProperties": False,
                  "properties": {"colour": {"enum": ["red", "green"]},
                                 "count": {"type": "integer", "minimum": 1, "maximum": 9}}}
        form = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}}
        for seed in range(4):
            more = {"response_format": form, "temperature": 1, "seed": seed, "max_tokens": 400}
            choice = self.choice(**more)
            self.assertEqual(choice["finish_reason"], "stop", choice)
            answer = json.loads(choice["message"]["content"])
            self.assertIn(answer["colour"], ["red", "green"])
            self.assertIn(answer["count"], range(1, 10))
            self.assertEqual(streamed_text(events(self.ask(stream=True, **more))),
                             choice["message"]["content"])

    def test_grammar(self):
        text = self.server.complete("The fox is", model="demo", max_tokens=20,
                                    grammar='root ::= " red" | " green"').json["choices"][0]
        self.assertIn(text["text"], [" red", " green"])
        self.assertEqual(text["finish_reason"], "stop")

    def test_wrong_forms(self):
        for body, param in (({"response_format": 5}, "response_format"),
                            ({"response_format": {"type": "xml"}}, "response_format"),
                            ({"response_format": {"type": "json_schema"}}, "response_format"),
                            ({"response_format": {"type": "json_schema", "json_schema": {
                                "schema": {"type": "nothing"}}}}, "response_format"),
                            ({"grammar": "root ::= other"}, "grammar"),
                            ({"grammar": "root ::= \"a\"", "response_format": {
                                "type": "json_object"}}, "grammar"),
                            ({"tools": 5}, "tools"), ({"tools": [5]}, "tools"),
                            ({"tools": [tool("a b")]}, "tools"),
                            ({"tools": TOOLS, "tool_choice": "x"}, "tool_choice"),
                            ({"tools": TOOLS, "tool_choice": tool("other")}, "tool_choice"),
                            ({"tools": TOOLS, "model": "demo"}, "tools")):
            reply = self.ask(**body)
            self.assertEqual(reply.status, 400, (body, reply.text))
            self.assertEqual(reply.error["param"].split(":")[0], param, reply.text)

    def test_a_call_that_must_come(self):
        for choice, names in (("required", ["get_weather", "get_time"]),
                              ({"type": "function", "function": {"name": "get_time"}},
                               ["get_time"])):
            for seed in range(3):
                more = {"tools": TOOLS, "tool_choice": choice, "temperature": 1, "seed": seed,
                        "max_tokens": 300}
                whole = self.choice(**more)
                if whole["finish_reason"] == "length":
                    continue
                self.check_call(whole, names)
                self.check_stream(whole, events(self.ask(stream=True, **more)))

    def check_call(self, choice, names):
        self.assertEqual(choice["finish_reason"], "tool_calls", choice)
        self.assertIsNone(choice["message"]["content"])
        call, = choice["message"]["tool_calls"]
        self.assertEqual(call["type"], "function")
        self.assertTrue(call["id"].startswith("call_"))
        self.assertIn(call["function"]["name"], names)
        self.assertIsInstance(json.loads(call["function"]["arguments"]), dict)

    def check_stream(self, whole, chunks):
        calls = [call for chunk in chunks
                 for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
        self.assertEqual([call["index"] for call in calls], [0])
        self.assertEqual(calls[0]["function"], whole["message"]["tool_calls"][0]["function"])
        self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], "tool_calls")
        self.assertEqual(streamed_text(chunks), "")

    def test_calls_go_back(self):
        """A conversation with a call and its result is one that the template takes."""
        call = {"id": "call_1", "type": "function",
                "function": {"name": "get_weather", "arguments": "{\"city\": \"Bern\"}"}}
        messages = [{"role": "user", "content": "Weather?"},
                    {"role": "assistant", "content": None, "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"}]
        self.assertEqual(self.ask(messages=messages, tools=TOOLS, max_tokens=5).status, 200)
        self.assertEqual(self.ask(messages=messages, max_tokens=5).status, 200)

    def test_no_tools_wanted(self):
        plain = self.ask().json["usage"]
        none = self.ask(tools=TOOLS, tool_choice="none").json["usage"]
        self.assertEqual(none["prompt_tokens"], plain["prompt_tokens"])
        some = self.ask(tools=TOOLS).json["usage"]
        self.assertGreater(some["prompt_tokens"], plain["prompt_tokens"])

    def forced(self, text, **more):
        """An answer that is `text`, by a grammar of one text."""
        return dict({"grammar": "root ::= " + json.dumps(text, ensure_ascii=False)}, **more)

    def test_thought(self):
        more = {"chat_template_kwargs": {"open_thought": True}, "max_tokens": 6}
        choice = self.choice(**more)
        self.assertEqual(choice["message"]["content"], "")
        thought = choice["message"]["reasoning_content"]
        self.assertTrue(thought)
        chunks = events(self.ask(stream=True, **more))
        self.assertEqual(streamed_text(chunks, field="reasoning_content"), thought)
        self.assertEqual(streamed_text(chunks), "")

    def test_stream_is_utf8_in_every_chunk(self):
        """Characters of several tokens come whole."""
        text = "Grüße, 世界! 🦊"
        chunks = events(self.ask(stream=True, **self.forced(text)))
        self.assertEqual(streamed_text(chunks), text)
        self.assertFalse(any("\ufffd" in json.dumps(chunk, ensure_ascii=False) for chunk in chunks))


if __name__ == "__main__":
    unittest.main()
