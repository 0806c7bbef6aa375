# SPDX-License-Identifier: Apache-2.0
# What to call: `make run` builds and runs a first container, `make test` passes all tests. Both want root, and
# install what they need (scripts/packages). See docs/testing.md.

PREFIX ?= /usr/local
BUILD ?= build
JOBS ?= $(shell nproc)
MESON_OPTIONS ?=

.DELETE_ON_ERROR:
.PHONY: build run test test-build test-clang test-sanitize test-vm install bench clean packages-build \
	packages-test packages-bench

build: packages-build
	@scripts/compile $(BUILD) --prefix=$(PREFIX) $(MESON_OPTIONS)

run: build
	@$(BUILD)/coffer hello

test: test-build
	@tests/run-all --build $(BUILD)

test-build: packages-build packages-test
	@scripts/compile $(BUILD) --prefix=$(PREFIX) -Dtests=enabled $(MESON_OPTIONS)

# The same tests with the other compiler, and with the sanitizers. Warnings are errors in both.
test-clang: packages-build packages-test
	@CC=clang scripts/compile $(BUILD)-clang -Dtests=enabled --werror
	@tests/run-all --build $(BUILD)-clang

test-sanitize: packages-build packages-test
	@scripts/compile $(BUILD)-sanitize -Dtests=enabled --werror -Db_sanitize=address,undefined -Db_lundef=false
	@tests/run-all --build $(BUILD)-sanitize --stages unit,plan,fuzz,run

# The run tests on a stock Debian kernel with cgroup v2 only and AppArmor. What it needs and cannot be had is a skip.
test-vm: test-build
	@scripts/install-packages vm || true
	@tests/vm/run --build $(BUILD) $(VM_OPTIONS)

install: build
	@meson install -C $(BUILD) --no-rebuild --quiet $(if $(DESTDIR),--destdir "$(abspath $(DESTDIR))")

bench: packages-build packages-bench
	@scripts/compile $(BUILD) --prefix=$(PREFIX) $(MESON_OPTIONS)
	@bench/run --build $(BUILD) $(BENCH_OPTIONS)

clean:
	rm -rf $(BUILD) $(BUILD)-clang $(BUILD)-sanitize

packages-build packages-test packages-bench: packages-%:
	@scripts/install-packages $*
