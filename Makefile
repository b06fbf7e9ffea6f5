# Each target is one script or one cargo call; `make help` lists them.

ARGS ?=

.PHONY: help demo test lint audit money soak bench doc package clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: ## play the story: a card pays for milk (ARGS=--pcscd: through the real reader service; --json: one JSON object)
	@scripts/demo.sh $(ARGS)

test: ## build and test everything: with a real reader service and a real node
	@scripts/test.sh test

lint: ## format, shell scripts, clippy, documentation, dependencies, bare metal
	@scripts/test.sh lint

audit: ## look the dependencies up among the published security advisories (downloads their list)
	@scripts/cargo-deny.sh --all-features check advisories

money: ## play stories and say which break a rule of money (ARGS='--stories N --seed S')
	@scripts/money.sh $(ARGS)

soak: ## the long tests; writes docs/reports/soak.md
	@scripts/soak.sh

bench: ## the benchmarks, those through the reader included
	@scripts/bench.sh $(ARGS)

doc: ## the documentation: API, conformance matrix and book
	@scripts/doc.sh

package: ## what others install, into dist/ (ARGS='tillcard-emu': for one program alone)
	@scripts/package.sh $(ARGS)

clean: ## remove what cargo built; bitcoind and the tools stay in the cache folder
	@scripts/clean.sh
