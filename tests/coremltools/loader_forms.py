#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every form that the converter writes, through the type-inferring loader of apple/coremltools.

The demo model and the Gemma 3 checkpoints of the tests are converted in each form, split and
combined, and held by tools/coremltools_check.py. The checker itself must find what is wrong: a
package with one dimension, offset or described shape changed, or its state gone, has to fail.
ANM_COREMLTOOLS names the checkout; without it the test is skipped, and says so.

usage: loader_forms.py ANEMONE ROOT
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

ALL = "--lut1 {0} --lut2 {0} --lut3 {0}"
FORMS = ["", "--argmax", "--monolithic", "--monolithic --argmax --lut1 4 --lut2 6 --lut3 8",
         "--chunk 2", "--lm-head-split 1", "--lm-head-split 64 --argmax", "--state-length 640",
         "--iso-anemll", "--iso-anemll --lut1 4 --lut2 4,7 --lut3 6 --chunk 2",
         "--batch 1", "--lut2 4,7 --lut3 4,5", "--lut2 6,32 --lut3 3,4096",
         *(ALL.format(bits) + " --chunk 3" for bits in (1, 2, 3, 4, 6, 8)),
         *(ALL.format(4) + more for more in (
             " --group-size 1", " --per-tensor", " --lut-axis 1", " --per-channel-scale",
             " --lut-axis 1 --per-channel-scale", " --per-tensor --per-channel-scale",
             " --per-channel-scale --monolithic"))]
CALIBRATED = ["--lut2 4 --lut3 4", "--gptq --lut2 3 --per-channel-scale", "--rescale off",
              "--target-size 1500KB --gptq --chunk 2"]
GEMMA = ["-c 8 -b 4", "-c 64 -b 4", "-c 64 -b 4 --chunk 2 --lut1 4 --lut2 4 --lut3 4",
         "-c 64 -b 4 --monolithic --argmax"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")


def convert_all(anemone, root, out):
    demo = os.path.join(root, "models", "demo")
    text = f" --calibrate {demo}/heldout-stories.txt --calibrate-tokens 128"
    jobs = [(demo, form) for form in FORMS + [form + text for form in CALIBRATED]]
    for name in ("large", "part", "text"):
        jobs += [(os.path.join(root, "tests", "data", "gemma3", name), form) for form in GEMMA]
    for number, (model, form) in enumerate(jobs):
        run(anemone, "convert", model, "-o", f"{out}/{number:02}", *form.split())
    decoder = glob.glob(f"{out}/00/*_FFN_PF_*.mlpackage")[0]
    run(anemone, "split", decoder, "-o", f"{out}/split")
    run(anemone, "combine", f"{out}/split/infer.mlpackage:infer",
        f"{out}/split/prefill.mlpackage:prefill", "-o", f"{out}/combined.mlpackage")
    return decoder


def operation(spec, kind):
    function = spec.mlProgram.functions["infer"]
    return next(op for op in function.block_specializations[function.opset].operations
                if op.type == kind)


def widen(spec):
    operation(spec, "softmax").outputs[0].type.tensorType.dimensions[3].constant.size += 1


def misplace(spec):
    function = spec.mlProgram.functions["infer"]
    for op in function.block_specializations[function.opset].operations:
        if op.attributes["val"].WhichOneof("value") == "blobFileValue":
            op.attributes["val"].blobFileValue.offset += 64
            return


def misdescribe(spec):
    spec.description.functions[0].output[0].type.multiArrayType.shape[1] += 1


def forget_state(spec):
    del spec.description.functions[0].state[:]


def damage(checker, tool, package, out, change):
    """The faults that the checker finds in a copy of `package` with one thing changed."""
    copy = os.path.join(out, "damaged.mlpackage")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(package, copy)
    model, _ = tool.model_paths(copy)
    spec = checker.proto.Model_pb2.Model()
    with open(model, "rb") as file:
        spec.ParseFromString(file.read())
    change(spec)
    with open(model, "wb") as file:
        file.write(spec.SerializeToString())
    return checker.package(copy)[2]


def main(anemone, root):
    checkout = os.environ.get("ANM_COREMLTOOLS")
    if not checkout:
        print("SKIPPED: ANM_COREMLTOOLS does not name a checkout of apple/coremltools")
        return 77
    sys.path.insert(0, os.path.join(root, "tools"))
    import coremltools_check as tool

    checker = tool.Checker(*tool.import_loader(checkout))
    failed = packages = 0
    with tempfile.TemporaryDirectory() as out:
        decoder = convert_all(anemone, root, out)
        for package in tool.find_packages([out]):
            faults = checker.package(package)[2]
            packages += 1
            failed += bool(faults)
            for fault in faults:
                print(f"{package}: {fault}")
        for change in (widen, misplace, misdescribe, forget_state):
            if not damage(checker, tool, decoder, out, change):
                print(f"{change.__name__}: the checker did not notice")
                failed += 1
    print(f"{packages} packages, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
