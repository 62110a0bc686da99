# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
# The doors of the project. The work is done in tools/, which see to the
# toolchain by themselves. ARGS is passed on:
#     make demo ARGS=--json      make test ARGS="--variant tsan stress"

help:
	@echo 'make demo    build, and run the main example'
	@echo 'make test    the test suites; ARGS=--help for how to choose'
	@echo 'make soak    the same for long: INTERCSP_SCALE=20 unless it is set'
	@echo 'make bench   the benchmarks'
	@echo 'make clean   remove build/'

demo:
	@tools/run python examples/python/pipeline.py $(ARGS)

test:
	@tools/test $(ARGS)

soak:
	@INTERCSP_SCALE=$${INTERCSP_SCALE:-20} tools/test $(ARGS)
	@[ -n "$(ARGS)" ] || INTERCSP_TOOLCHAIN=private tools/test --variant debug

# Without a network: without the peers that are not there. --quick does without
# them.
bench:
	@case " $(ARGS) " in \
	*" --quick "*) set= ;; \
	*) tools/bootstrap bench >/dev/null && set=--set=bench || set= ;; \
	esac; \
	INTERCSP_REVISION=$$(git describe --always --dirty --abbrev=40 2>&1) || \
	INTERCSP_REVISION=; export INTERCSP_REVISION; \
	tools/run $$set python bench/run.py --out build/bench $(ARGS)

clean:
	rm -rf build

.PHONY: help demo test soak bench clean
