#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Put the measured numbers and sample answers into the model card: card.py MODEL"""
import json
import re
import sys

import evaluate
import model as M

ASK = ["Who are you?", "What can you do?", "Hello!", "What is 7 plus 5?", "What is 36 + 47?",
       "Lucy has 9 apples and finds 4 more. How many apples does Lucy have?",
       "What colour is the sky?", "What is the opposite of hot?", "What sound does a cow make?",
       "How many legs does a spider have?", "Name three birds.", "What comes after Monday?",
       "Who is the president of France?", "Thank you!", "Tell me a story about a fox.",
       "Tell me a short story about a robot named Tina.",
       "Continue the story: Once upon a time, there was a shy bear named Bruno. He was afraid of thunder."]


def main():
    folder = sys.argv[1]
    with open(folder + "/evaluation.json", encoding="utf-8") as f:
        e = json.load(f)
    with open(folder + "/training.json", encoding="utf-8") as f:
        t = json.load(f)
    n = sum(v.size for v in M.load_safetensors(folder + "/model.safetensors").values())
    s = t["stages"]
    steps, tokens, minutes = (sum(x[k] for x in s) for k in ("steps", "tokens", "minutes"))
    out = [f"Parameters: {n:,}. Training: {steps:,} steps ({' + '.join(str(x['steps']) for x in s)}), "
           f"{tokens / 1e6:.1f} million tokens,",
           f"{minutes:.0f} minutes on one thread of an x86-64 server core with AMX, shared with other work.", "",
           "| held-out text | tokens | perplexity |", "| --- | ---: | ---: |"]
    out += [f"| {k} | {v['tokens']:,} | {v['perplexity']:.3f} |" for k, v in e["perplexity"].items()]
    out += ["", f"The largest activation seen in the evaluation (residual stream or MLP) is {e['largest_activation']:.0f}.",
            "", f"Accuracy of greedy answers ({e['questions_per_category']} questions of each kind; a quarter as many",
            "stories; 60 questions worded by hand, most of them unlike the templates):", "",
            "| kind of question | accepted |", "| --- | ---: |"]
    out += [f"| {k} | {100 * v:.0f} % |" for k, v in e["accuracy"].items()]
    out += ["", "Greedy answers, without a system prompt:", ""]
    chat = evaluate.Chat(folder)
    for q in ASK:
        a = chat.answer([("user", q)])[0]
        out += [f"> **{q}**\n>\n> " + a.replace("\n", "\n> ") + "\n"]
    with open(folder + "/README.md", encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"(<!-- measured -->\n).*(<!-- end of measured -->)",
                  lambda m: m.group(1) + "\n".join(out) + m.group(2), text, flags=re.S)
    with open(folder + "/README.md", "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
