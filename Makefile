# Parallax: every task of the repository. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PARALLAX := .build/release/parallax
DEMO := demo
.PHONY: help up down build test test-generated test-kills test-sanitized test-storm test-librdkafka test-clients bench bench-kafka bench-serving format lint clean packages screenshots

help: ## List the tasks.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

up: ## Install what is missing, build, make a demo pipeline, start everything, say where to look.
	@scripts/packages run
	@scripts/swift-toolchain
	swift build -c release --product parallax
	@ln -sf $(PARALLAX) parallax
	@test -e $(DEMO)/parallax.yaml || ./parallax init $(DEMO)
	@echo
	@./parallax up --detach --pipeline $(DEMO)

down: ## Stop the demo.
	@$(PARALLAX) down --pipeline $(DEMO)

build: ## Build the release binary.
	@scripts/packages run
	@scripts/swift-toolchain
	swift build -c release --product parallax

test: ## Install what is missing and run all tests.
	@scripts/packages test
	@scripts/swift-toolchain
	@scripts/python-environment
	@scripts/test

test-generated: ## Try 2,000 random views over random events against PostgreSQL (CASES=…, SEED=…).
	@scripts/packages test
	@scripts/swift-toolchain
	@PARALLAX_GENERATED_CASES=$(or $(CASES),2000) PARALLAX_GENERATED_SEED=$(or $(SEED),100000) scripts/test --filter GeneratedTests

test-storm: ## Rebalance storm on Kafka for a minute (STORM=600: ten minutes).
	@scripts/packages test
	@scripts/swift-toolchain
	PARALLAX_STORM_SECONDS=$(or $(STORM),60) swift test --filter I1_I5_aRebalanceStormLosesAndRepeatsNothing

test-kills: ## Kill a process at every named point, and give every command after each (half an hour; SEED=…).
	@scripts/packages test
	@scripts/swift-toolchain
	@PARALLAX_KILLS=all PARALLAX_KILLS_SEED=$(or $(SEED),1) scripts/test --filter KillTests

test-sanitized: ## Run the modules' suites with the address sanitizer, and look for leaks.
	@scripts/packages test
	@scripts/swift-toolchain
	@scripts/python-environment
	@scripts/test-sanitized

test-librdkafka: ## Run the Kafka tests on Debian's librdkafka and on the newest one (VERSION=2.10.0: on that).
	@scripts/packages test
	@scripts/swift-toolchain
	@scripts/test --filter 'KafkaLogTests|KafkaTests|KafkaStormTests'
	@folder=$$(scripts/librdkafka); [[ -z "$$folder" ]] || LD_LIBRARY_PATH="$$folder" scripts/test --filter 'KafkaLogTests|KafkaTests|KafkaStormTests'

test-clients: ## Ask a running pipeline by JDBC, through pgbouncer, from dbt and Superset (CLIENTS="jdbc dbt": those alone).
	@scripts/test-clients $(CLIENTS)

bench: ## Measure each stage (ratios within one run; COUNT=5000000 for more events than a million).
	@scripts/packages test
	@scripts/swift-toolchain
	@scripts/python-environment
	@scripts/bench $(COUNT)

bench-kafka: ## Measure a record's cost from Kafka: librdkafka alone, our client, the whole speed layer.
	@scripts/packages test
	@scripts/swift-toolchain
	@scripts/bench-kafka $(COUNT)

bench-serving: ## Measure rows over HTTP beside PostgreSQL answering the same question (ROWS=…, 10 million; SECONDS=… a measurement), and a thousand followers beside it (LOAD=… seconds).
	@scripts/packages test
	@scripts/packages bench
	@scripts/swift-toolchain
	@scripts/bench-serving $(or $(ROWS),10000000) $(or $(SECONDS),20) $(or $(LOAD),240)

screenshots: build ## Write pictures of the dashboard's pages, wide and narrow, light and dark, to FOLDER (screenshots/).
	@scripts/packages test
	@scripts/python-environment
	@scripts/screenshots $(PARALLAX) $(or $(FOLDER),screenshots)

format: ## Format all Swift files.
	swift format format --in-place --recursive --parallel Package.swift Sources Tests speed batch serving

lint: ## Report what make format would change and what it cannot, warnings, and imports that Package.swift does not draw.
	@scripts/packages test
	@scripts/swift-toolchain
	swift format lint --strict --recursive --parallel Package.swift Sources Tests speed batch serving
	@scripts/build-tests

packages: ## Only install the system packages that are missing.
	@scripts/packages test

clean: ## Remove what was built (no pipeline's data).
	rm -rf .build .build-address .build-thread .venv .venv-clients parallax
