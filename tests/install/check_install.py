#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs into a staging directory, and uses what is there as a user would.

usage: check_install.py BUILD_DIR SOURCE_ROOT ANEMONE

A program is built against the library by pkg-config, as C and as C++, and run; every option of
every --help is in its man page and in the completion of each shell; the shells take the files. A
shell or checker that is not here is skipped, saying so.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

FLAG = re.compile(r"^  (?:-(\w), |    )--([\w-]+)", re.M)
LISTED = re.compile(r"^  ([a-z][\w-]*) +\S", re.M)
GETENV = re.compile(r'getenv\("((?:ANEMONE|HF)_\w+)"\)')


def run(words, code=0, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != code:
        sys.exit(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def need(truth, what):
    if not truth:
        sys.exit(f"FAILED: {what}")


def have(tool):
    if shutil.which(tool):
        return True
    print(f"SKIPPED: what needs {tool}")
    return False


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def install(build, stage):
    options = run(["meson", "introspect", "--buildoptions", build])
    prefix = re.search(r'"name": "prefix", "value": "([^"]*)"', options)
    run(["meson", "install", "--no-rebuild", "-C", build, "--destdir", stage])
    root = stage + (prefix[1] if prefix else "/usr/local")
    need(os.path.isdir(root), f"{root} was installed")
    return root


# ---- library ----

def find_pkgconfig(root):
    found = glob.glob(os.path.join(root, "**", "anemone.pc"), recursive=True)
    need(len(found) == 1, "one anemone.pc")
    return os.path.dirname(found[0])


def sanitizers(build):
    options = run(["meson", "introspect", "--buildoptions", build])
    found = re.search(r'"name": "b_sanitize", "value": "([^"]*)"', options)
    return [] if not found or found[1] in ("none", "") else ["-fsanitize=" + found[1]]


def check_program(root, stage, work, language, build, demo):
    compiler = next((c for c in language["compilers"] if shutil.which(c)), None)
    if not compiler:
        print(f"SKIPPED: no compiler for {language['name']}")
        return None
    env = dict(os.environ, PKG_CONFIG_PATH=find_pkgconfig(root), PKG_CONFIG_SYSROOT_DIR=stage)
    flags = run(["pkg-config", "--cflags", "--libs", "anemone"], env=env).split()
    program = os.path.join(work, "use-" + language["name"])
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "use_library.c")
    run([compiler, *language["flags"], "-Wall", "-Wextra", "-Werror", *sanitizers(build), source,
         "-o", program, *flags], env=env)
    libraries = glob.glob(os.path.join(root, "**", "libanemone.*"), recursive=True)
    library = os.path.dirname(libraries[0])
    env["LD_LIBRARY_PATH"] = env["DYLD_LIBRARY_PATH"] = library
    out = run([program, demo, os.path.join(work, "out-" + language["name"])], env=env)
    need(out.endswith("(6)\n"), f"six tokens from {language['name']}")
    print(f"ok: {language['name']} by {compiler}: {out.strip()}")
    return out


LANGUAGES = (
    {"name": "C", "compilers": ["cc", "gcc", "clang"], "flags": ["-std=c99"]},
    {"name": "C++", "compilers": ["c++", "g++", "clang++"], "flags": ["-x", "c++", "-std=c++11"]},
)


def check_library(root, stage, work, build, demo):
    if not have("pkg-config"):
        return
    said = {check_program(root, stage, work, language, build, demo) for language in LANGUAGES}
    need(len(said - {None}) == 1, "C and C++ get the same tokens")


# ---- man pages and completion ----

def helps(anemone):
    """(words, --help) of each command, and of each kind of those that have kinds."""
    top = run([anemone, "--help"])
    for name in LISTED.findall(top.partition("Commands:\n")[2].partition("\n\n")[0]):
        text = run([anemone, name, "--help"])
        yield [name], text
        for title in ("Kinds:\n", "Commands:\n"):
            for kind in LISTED.findall(text.partition(title)[2].partition("\n\n")[0]):
                yield [name, kind], run([anemone, name, kind, "--help"])


def check_pages(root, anemone):
    pages = os.path.join(root, "share", "man", "man1")
    bash = read(root, "share", "bash-completion", "completions", "anemone")
    zsh = read(root, "share", "zsh", "site-functions", "_anemone")
    fish = read(root, "share", "fish", "vendor_completions.d", "anemone.fish")
    count = 0
    for words, text in helps(anemone):
        page = read(pages, "-".join(["anemone", *words]) + ".1").replace("\\-", "-")
        block = bash.partition(f"    '{' '.join(words)}')\n")[2].partition(";;\n")[0]
        name = "_" + "_".join(["anemone", *words])
        function = zsh.partition(f"\n{name}() {{")[2].partition("\n}")[0]
        for letter, option in FLAG.findall(text):
            count += 1
            where = " ".join(words) + " --" + option
            need(f"\\fB--{option}\\fR" in page, f"{where} in the man page")
            need(f"--{option}" in block, f"{where} in bash")
            need(not letter or f"-{letter} " in block, f"{where}: -{letter} in bash")
            need(f"'--{option}[" in function, f"{where} in zsh")
            line = rf"subcommand_from {words[-1]}\b.* -l {option}\b"
            need(re.search(line, fish), f"{where} in fish")
    need(count > 50, "options were found")
    print(f"ok: {count} options in man pages and completion")


def check_environment(root, source):
    page = read(root, "share", "man", "man1", "anemone.1")
    names = set()
    for path in glob.glob(os.path.join(source, "src", "**", "*.c"), recursive=True):
        names |= set(GETENV.findall(read(path)))
    for name in sorted(names):
        need(name in page, f"{name} is in ENVIRONMENT of anemone.1 (tools/make_manual.py)")
    print(f"ok: {len(names)} environment variables")


def complete(bash, line):
    """What bash offers after these words."""
    words = line.split(" ")
    script = (f"source {bash}; COMP_WORDS=({' '.join(repr(w) for w in words)}); "
              f"COMP_CWORD={len(words) - 1}; _anemone; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return run(["bash", "-c", script]).split()


def check_shells(root, work):
    bash = os.path.join(root, "share", "bash-completion", "completions", "anemone")
    zsh = os.path.join(root, "share", "zsh", "site-functions", "_anemone")
    fish = os.path.join(root, "share", "fish", "vendor_completions.d", "anemone.fish")
    if have("bash"):
        need(complete(bash, "anemone conv") == ["convert"], "bash completes commands")
        need("--overwrite" in complete(bash, "anemone convert --ov"), "bash completes options")
        need(complete(bash, "anemone run x --precision fp1") == ["fp16"], "bash completes values")
        need(complete(bash, "anemone eval perp") == ["perplexity"], "bash completes kinds")
        need("--stride" in complete(bash, "anemone eval perplexity --st"), "and their options")
        need(complete(bash, "anemone config ge") == ["generate"], "bash completes actions")
    if have("zsh"):
        run(["zsh", "-n", zsh])
        run(["zsh", "-fc", f"autoload -Uz compinit; compinit -u -d {work}/dump; "
             f"source {zsh} 2>/dev/null; whence _anemone_convert >/dev/null"])
    if have("fish"):
        script = f"source {fish}; complete -C 'anemone convert --over'"
        env = dict(os.environ, HOME=work, XDG_CONFIG_HOME=work, XDG_DATA_HOME=work)
        need("--overwrite" in run(["fish", "-c", script], env=env), "fish completes options")
    if have("groff"):
        for page in sorted(glob.glob(os.path.join(root, "share", "man", "man1", "*.1"))):
            done = subprocess.run(["groff", "-man", "-ww", "-z", page], capture_output=True,
                                  text=True, timeout=60, check=False)
            need(done.returncode == 0 and not done.stderr, f"groff takes {page}: {done.stderr}")
    print("ok: shells and groff take what is installed")


def main():
    build, source, anemone = (os.path.abspath(word) for word in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as work:
        stage = os.path.join(work, "stage")
        root = install(build, stage)
        installed = os.path.join(root, "bin", "anemone")
        need(run([installed, "--version"]).startswith("anemone "), "the installed command runs")
        check_pages(root, anemone)
        check_environment(root, source)
        check_shells(root, work)
        check_library(root, stage, work, build, os.path.join(source, "models", "demo"))


main()
