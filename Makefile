# SPDX-License-Identifier: MIT
# Thin front of meson; `make help` lists what there is.
BUILD ?= build
MESON ?= meson
NINJA ?= ninja

.PHONY: all build demo check asan clang tsan aarch64 deps help clean install fmt

all: build

$(BUILD)/build.ninja:
	@tools/deps.sh check || $(MAKE) deps
	$(MESON) setup $(BUILD)

build: $(BUILD)/build.ninja ## release build (the default)
	$(NINJA) -C $(BUILD)

demo: build ## convert the demo model and let it answer
	tools/demo.sh $(BUILD)/src/cli/anemone

check: build ## all tests, style and layer checks
	tools/check.sh $(BUILD)

asan: ## the tests under the address and undefined-behaviour sanitizers
	@test -f build-asan/build.ninja || { tools/deps.sh check || $(MAKE) deps; \
	  $(MESON) setup build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined \
	    -Db_lundef=false -Db_ndebug=false; }
	$(NINJA) -C build-asan
	tools/check.sh build-asan

clang: ## the tests with clang
	@test -f build-clang/build.ninja || { tools/deps.sh check || $(MAKE) deps; \
	  CC=clang $(MESON) setup build-clang -Dwerror=true; }
	$(NINJA) -C build-clang
	tools/check.sh build-clang

tsan: ## the tests that use threads under the thread sanitizer
	@test -f build-tsan/build.ninja || $(MESON) setup build-tsan --buildtype=debugoptimized \
	  -Db_sanitize=thread -Db_lundef=false -Db_ndebug=false
	$(NINJA) -C build-tsan
	$(MESON) test -C build-tsan --timeout-multiplier 20 --num-processes 1 --print-errorlogs \
	  pool native_steps llm prefill_rows prepare flexible interp_run convert calibrate feedback hub engine

aarch64: ## the unit tests for 64-bit ARM under qemu (Debian; over 4 minutes, so not in .ci/run)
	tools/aarch64.sh

deps: ## install what the build needs (apt on Debian and Ubuntu, brew on macOS)
	tools/deps.sh install

install: build ## install library, headers and command
	$(MESON) install -C $(BUILD)

fmt: ## format the sources with clang-format
	clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## remove the build folders
	rm -rf build build-asan build-clang build-tsan build-aarch64 build-aarch64-sysroot demo-out

help: ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10
