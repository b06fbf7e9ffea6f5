# Each target is one script or one cargo call; `make help` lists them.

ARGS ?=

.PHONY: help demo test lint soak bench doc clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: ## play the story: a card pays for milk through a real reader (ARGS=--json for one JSON object)
	@scripts/demo.sh $(ARGS)

test: ## everything that is checked before a change lands
	@scripts/test.sh

lint: ## format, scripts, clippy, documentation, dependencies
	@scripts/test.sh setup format scripts clippy documentation dependencies

soak: ## the long tests; writes docs/reports/soak.md
	@scripts/soak.sh

bench: ## the benchmarks, those through the reader included
	@scripts/bench.sh $(ARGS)

doc: ## the API documentation of the workspace
	@scripts/test.sh documentation

clean: ## remove what cargo built; bitcoind and the tools stay in the cache folder
	@scripts/clean.sh
