#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes man pages and shell completion of what the command says of itself.

usage: make_manual.py ANEMONE SOURCE_ROOT OUT_DIR [STAMP]
       make_manual.py --install OUT_DIR MANDIR DATADIR   (by meson, which sets DESTDIR and prefix)

Everything is from `anemone --help` and `anemone COMMAND --help`, which print the tables that
options are read by: a page cannot be out of date. A line of "Options:" that is not understood is an
error.
"""
import os
import re
import shutil
import subprocess
import sys

OPTION = re.compile(r"  (?:-(?P<letter>\w), |    )--(?P<name>[\w-]+)(?P<rest>.*)")
METAVAR = re.compile(r" (?P<metavar>\S*[A-Z|]\S*)\s+(?P<help>.*)")
# Shown if the sources read them; tests/install holds that none is missing.
ENVIRONMENT = (
    ("ANEMONE_API_KEY", "the key that clients of `anemone serve` must show"),
    ("ANEMONE_CACHE", "the directory that pulled and converted models are kept in"),
    ("ANEMONE_CPU", "the highest level of instructions to use: c, avx2, avxvnni, avx512, "
                    "avx512vnni, amx, neon, neondot, neoni8mm"),
    ("ANEMONE_ENGINE", "what runs programs: auto, fast or reference"),
    ("ANEMONE_HISTORY", "the file of the lines typed into a chat; empty: none is kept"),
    ("ANEMONE_MATMUL_PRECISION", "how exactly products of many rows are computed: high, medium "
     "or auto"),
    ("ANEMONE_PASS_PRINT", "print the program after passes of this name (or all), for developers"),
    ("ANEMONE_PASS_SKIP", "leave out passes of these names, for developers"),
    ("ANEMONE_PREFILL_ROWS", "tokens of a prompt that go through the packages together"),
    ("HF_ENDPOINT", "the hub to pull from, instead of https://huggingface.co"),
    ("HF_HOME", "where the Hugging Face tools keep their token"),
    ("HF_TOKEN", "the token for models that need one"),
    ("HF_TOKEN_PATH", "the file with that token"),
    ("HF_HUB_OFFLINE", "not 0: nothing is asked of the hub"),
    ("NO_COLOR", "not empty: no colour"),
)


def environment(source):
    """Those that the sources read."""
    code = ""
    for folder, _, names in os.walk(os.path.join(source, "src")):
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    code += file.read()
    return [entry for entry in ENVIRONMENT if f'"{entry[0]}"' in code]


class Option:
    def __init__(self, line):
        match = OPTION.fullmatch(line)
        if not match:
            sys.exit(f"not understood, in \"Options:\": {line!r}")
        self.letter, self.name = match["letter"], match["name"]
        valued = METAVAR.fullmatch(match["rest"])
        self.metavar = valued["metavar"] if valued else None
        self.help = valued["help"] if valued else match["rest"].strip()

    def words(self):
        return (["-" + self.letter] if self.letter else []) + ["--" + self.name]

    def choices(self):
        """The words of "fp16|fp32", those of "N|auto" that can be typed."""
        parts = (self.metavar or "").split("|")
        return [p for p in parts if p == p.lower()] if len(parts) > 1 else []


def section(text, title):
    """Lines between "title:" and the next blank one."""
    found = re.search(rf"^{title}:\n(.*?)(?:\n\n|\Z)", text, re.M | re.S)
    return [line for line in found[1].split("\n") if line] if found else []


def pairs(lines):
    return [tuple(line.split(None, 1)) for line in lines]


class Command:
    """A command as its --help describes it; one of kinds (`eval`) has them as `kinds`."""

    def __init__(self, anemone, words, summary):
        done = subprocess.run([anemone, *words, "--help"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120, check=False)
        if done.returncode != 0:
            sys.exit(f"anemone {' '.join(words)} --help: exit {done.returncode}\n{done.stderr}")
        self.words, self.summary, self.help = words, summary, done.stdout
        head, _, rest = self.help.partition("\n\n")
        self.usage = head.removeprefix("Usage: ")
        parts = [part.strip("\n") for part in rest.split("\n\n") if part.strip()]
        own = [p for p in parts if re.match(r"(Options|Kinds|Commands):\n", p)]
        where = parts.index(own[0]) if own else len(parts)
        self.before, self.after = parts[:where], [p for p in parts[where:] if p not in own]
        self.options = [Option(line) for line in section(self.help, "Options")]
        inner = section(self.help, "Kinds") or (section(self.help, "Commands") if words else [])
        self.kinds = [Command(anemone, [*words, name], text) for name, text in pairs(inner)]

    def operands(self):
        """Words that the first operand is one of: "show|generate|check MODEL"."""
        after = self.usage.split("[options]")[-1].split()
        parts = after[0].split("|") if after else []
        return parts if len(parts) > 1 and all(p == p.lower() for p in parts) else []

    def all(self):
        yield self
        for kind in self.kinds:
            yield from kind.all()


class Manual:
    def __init__(self, anemone, source):
        self.environment = environment(source)
        version = subprocess.run([anemone, "--version"], capture_output=True, text=True, timeout=60,
                                 check=True)
        self.version = version.stdout.strip()
        self.top = Command(anemone, [], "CoreML packages from language models, run on any CPU")
        self.commands = [Command(anemone, [name], text)
                         for name, text in pairs(section(self.top.help, "Commands"))]

    def each(self):
        for command in self.commands:
            yield from command.all()


# ---- man pages ----

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def page_name(words):
    return "-".join(["anemone", *words])


def paragraphs(parts):
    """Lines that are indented, or a list, stay as they are."""
    for part in parts:
        yield ".PP"
        listed = re.search(r"^ ", part, re.M) or re.match(r"[A-Z]\w+:\n", part)
        yield f".nf\n{roff(part)}\n.fi" if listed else roff(part)


def option_lines(options):
    for option in options:
        words = ", ".join(f"\\fB{roff(word)}\\fR" for word in option.words())
        value = f" \\fI{roff(option.metavar)}\\fR" if option.metavar else ""
        yield f".TP\n{words}{value}\n{roff(option.help)}"


def listing(title, entries):
    yield f".SH {title}"
    for words, text in entries:
        yield f".TP\n\\fB{roff(words)}\\fR\n{roff(text)}"


def page(manual, command):
    name = page_name(command.words)
    lines = [f".TH {roff(name.upper())} 1 \"\" \"{roff(manual.version)}\" \"User Commands\"",
             ".SH NAME", f"{roff(name)} \\- {roff(command.summary)}",
             ".SH SYNOPSIS", f".B {roff(command.usage)}", ".SH DESCRIPTION",
             *paragraphs(command.before)]
    if command.kinds:
        lines += listing("KINDS", [(" ".join(k.words), k.summary) for k in command.kinds])
    if command is manual.top:
        lines += listing("COMMANDS", [(c.words[0], c.summary) for c in manual.commands])
        lines += listing("ENVIRONMENT", manual.environment)
    if command.options:
        lines += [".SH OPTIONS", *option_lines(command.options)]
    if command.after:
        lines += [".SH NOTES", *paragraphs(command.after)]
    others = manual.commands if command is manual.top else [manual.top, *command.kinds]
    lines += [".SH SEE ALSO",
              ",\n".join(f".BR {roff(page_name(c.words))} (1)" for c in others).replace(
                  "(1),\n", "(1),\n")]
    return "\n".join(lines) + "\n"


# ---- completion ----

def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def bash_case(command):
    words = " ".join(word for option in command.options for word in option.words())
    first = " ".join(k.words[-1] for k in command.kinds) or " ".join(command.operands())
    values = [f"            {'|'.join(o.words())}) values={quoted(' '.join(o.choices()))} ;;"
              for o in command.options if o.choices()]
    takes = "|".join(w for o in command.options if o.metavar for w in o.words())
    lines = [f"    {quoted(' '.join(command.words))})", f"        options={quoted(words)}",
             f"        first={quoted(first)}"]
    if takes:
        lines.append(f"        case $previous in {takes}) valued=1 ;; esac")
    if values:
        lines += ["        case $previous in", *values, "        esac"]
    return "\n".join([*lines, "        ;;"])


BASH = """# bash completion for anemone; made by tools/make_manual.py
_anemone() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local command=${{COMP_WORDS[1]}} options= first= values= valued= at=2
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W {commands} -- "$current"))
        return
    fi
    case "$command ${{COMP_WORDS[2]}}" in {kinds})
        [ "$COMP_CWORD" = 2 ] || {{ command="$command ${{COMP_WORDS[2]}}"; at=3; }} ;;
    esac
    case $command in
{cases}
    *) return ;;
    esac
    if [ -n "$values" ]; then
        COMPREPLY=($(compgen -W "$values" -- "$current"))
    elif [ -n "$valued" ]; then
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$current"))
    elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    elif [ -n "$first" ] && [ "$COMP_CWORD" = "$at" ]; then
        COMPREPLY=($(compgen -W "$first" -- "$current"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -F _anemone anemone
"""


def bash(manual):
    commands = " ".join([c.words[0] for c in manual.commands] + ["--help", "--version"])
    kinds = "|".join(quoted(" ".join(c.words)) for c in manual.each() if len(c.words) > 1)
    return BASH.format(commands=quoted(commands), kinds=kinds or "''",
                       cases="\n".join(bash_case(c) for c in manual.each()))


def zsh_text(text):
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def zsh_option(option):
    value = ""
    if option.metavar:
        choices = option.choices()
        action = f"({' '.join(choices)})" if choices else "_files"
        value = f":{zsh_text(option.metavar)}:{action}"
    for word in option.words():
        yield quoted(f"{word}[{zsh_text(option.help)}]{value}")


def zsh_function(command):
    name = "_" + "_".join(["anemone", *command.words]).replace("-", "_")
    lines = [f"{name}() {{"]
    if command.kinds:
        entries = " ".join(quoted(f"{k.words[-1]}:{k.summary}") for k in command.kinds)
        cases = "".join(f"        {k.words[-1]}) {name}_{k.words[-1].replace('-', '_')} ;;\n"
                        for k in command.kinds)
        lines += [f"    local -a kinds=({entries})",
                  "    if (( CURRENT == 2 )); then", "        _describe kind kinds", "    else",
                  "        local kind=$words[2]", "        shift words; (( CURRENT-- ))",
                  f"        case $kind in\n{cases}        esac", "    fi"]
    else:
        words = [w for o in command.options for w in zsh_option(o)]
        first = command.operands()
        words += [quoted(f"1:action:({' '.join(first)})")] if first else []
        lines.append("    _arguments -s " + " \\\n        ".join([*words, quoted("*:file:_files")]))
    return "\n".join([*lines, "}"])


def zsh(manual):
    entries = "\n".join("    " + quoted(f"{c.words[0]}:{c.summary}") for c in manual.commands)
    cases = "\n".join(f"        {c.words[0]}) _anemone_{c.words[0].replace('-', '_')} ;;"
                      for c in manual.commands)
    functions = "\n".join(zsh_function(c) for c in manual.each())
    return (f"#compdef anemone\n# made by tools/make_manual.py\n{functions}\n_anemone() {{\n"
            f"    local -a commands=(\n{entries}\n    )\n    if (( CURRENT == 2 )); then\n"
            "        _describe command commands\n    else\n        local command=$words[2]\n"
            f"        shift words; (( CURRENT-- ))\n        case $command in\n{cases}\n"
            "        esac\n    fi\n}\n_anemone \"$@\"\n")


def fish_condition(command, inner):
    seen = " ".join(["__fish_seen_subcommand_from", command.words[0]])
    if len(command.words) > 1:
        return f"{seen}; and __fish_seen_subcommand_from {command.words[1]}"
    return seen + (f"; and not __fish_seen_subcommand_from {' '.join(inner)}" if inner else "")


def fish_option(command, option):
    line = f"complete -c anemone -n {quoted(fish_condition(command, []))} -l {option.name}"
    line += f" -s {option.letter}" if option.letter else ""
    choices = option.choices()
    if choices:
        line += f" -x -a {quoted(' '.join(choices))}"
    elif option.metavar:
        line += " -r"
    return f"{line} -d {quoted(option.help)}"


def fish(manual):
    lines = ["# fish completion for anemone; made by tools/make_manual.py"]
    for c in manual.commands:
        lines.append(f"complete -c anemone -n __fish_use_subcommand -f -a {c.words[0]} "
                     f"-d {quoted(c.summary)}")
    for c in manual.each():
        inner = [k.words[-1] for k in c.kinds] or c.operands()
        if inner:
            lines.append(f"complete -c anemone -n {quoted(fish_condition(c, inner))} -f -a "
                         f"{quoted(' '.join(inner))}")
        lines += [fish_option(c, o) for o in c.options]
    return "\n".join(lines) + "\n"


# ---- files ----

PLACES = {"bash": "bash-completion/completions", "zsh": "zsh/site-functions",
          "fish": "fish/vendor_completions.d"}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make(anemone, source, out):
    manual = Manual(os.path.abspath(anemone), source)
    shutil.rmtree(out, ignore_errors=True)
    for command in [manual.top, *manual.each()]:
        write(os.path.join(out, "man", page_name(command.words) + ".1"), page(manual, command))
    write(os.path.join(out, "bash", "anemone"), bash(manual))
    write(os.path.join(out, "zsh", "_anemone"), zsh(manual))
    write(os.path.join(out, "fish", "anemone.fish"), fish(manual))


def install(out, mandir, datadir):
    """Directories are relative to the prefix, or absolute; both go below DESTDIR."""
    prefix, destdir = os.environ["MESON_INSTALL_DESTDIR_PREFIX"], os.environ.get("DESTDIR", "")
    places = {"man": os.path.join(mandir, "man1")}
    places.update({kind: os.path.join(datadir, place) for kind, place in PLACES.items()})
    for kind, place in places.items():
        folder = destdir + place if os.path.isabs(place) else os.path.join(prefix, place)
        os.makedirs(folder, exist_ok=True)
        for name in sorted(os.listdir(os.path.join(out, kind))):
            shutil.copyfile(os.path.join(out, kind, name), os.path.join(folder, name))


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--install":
        return install(*sys.argv[2:])
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    make(*sys.argv[1:4])
    if len(sys.argv) > 4:
        write(sys.argv[4], "")
    return None


if __name__ == "__main__":
    main()
