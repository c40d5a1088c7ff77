# Everything needs python3 (3.10 or newer, with venv) and make; the rest is set up in .venv.
# PYTHON=…  interpreter to set up with      ARGS=…  more arguments for the command
# WORKERS=…  tests at a time         ROUNDS=…  rounds of `make fuzz`

ARGS ?=
CONFIG ?= reach
BIN := .venv/bin
SETUP := sh requirements/setup.sh
export PYTHON

# ROS wheels re-start Python with these set; another environment's would lead ours astray.
ifdef _ROS_WHEELS_BOOTSTRAP_COMPLETE
unexport LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
endif

# Python keeps what it has compiled: half of the 14 s that each worker needs to collect the tests.
unexport PYTHONDONTWRITEBYTECODE

# Tests wait for nodes more than they compute: a worker more than cores, with ROS domains of its own.
CORES := $(shell getconf _NPROCESSORS_ONLN)
ROUNDS ?= 5
WORKERS ?= $(shell echo $$(( $(CORES) < 8 ? $(CORES) + 1 : 8 )))
PYTEST := $(BIN)/python -m pytest
NO_ARMS := --ignore test/arms
TOGETHER := -n $(WORKERS) --dist worksteal
# These alone: to collect all tests takes longer than some of them.
TIMING = $(if $(filter test/%,$(ARGS)),,$(shell grep -rl --include='test_*.py' 'mark\.timing' test))

.PHONY: help setup setup-dev setup-bench train test test-fast test-arms test-kilted lint fuzz mutation bench bench-arms bench-gym bench-options doctor clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 \t/p' Makefile | expand -t 16

setup:  ## make .venv with what the product needs
	@$(SETUP) runtime

setup-dev:  ## the same, and what the tests need
	@$(SETUP) dev

setup-bench:  ## the same, with MuJoCo for Gymnasium, and the peers in .venv-peers
	@$(SETUP) bench
	@sh benchmarks/peers/setup.sh

train: setup  ## train on the two-link reach, report included; CONFIG=swing_up ARGS="--seed 3"
	$(BIN)/ddpg-ros train --config $(CONFIG) $(ARGS)

# What bounds a time closely has the machine to itself. pytest's exit code 5: ARGS chose none here.
test: lint  ## linters, types, contracts of imports, and every test; ARGS="-k plan"
	$(PYTEST) $(NO_ARMS) -m "not timing" $(TOGETHER) $(ARGS) || [ $$? -eq 5 ]
	$(PYTEST) $(TIMING) -m timing $(ARGS) || [ $$? -eq 5 ]

# A test that takes more than 2 s carries the marker `slow`; one that lacks it is named at the end.
test-fast: setup-dev  ## ruff, and every test of at most 2 s: an answer within 90 s
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) $(NO_ARMS) -m "not slow and not timing" -n $(CORES) --dist worksteal \
		--durations 10 --durations-min 2 $(ARGS) || [ $$? -eq 5 ]

# The arms of others: 131 MB that no other test needs.
test-arms: setup-dev  ## every arm of the package example-robot-data: mass, motion, weight, picture
	@$(SETUP) arms
	$(PYTEST) test/arms -n $(CORES) $(ARGS)

test-kilted: setup-dev  ## the tests of the nodes on ROS 2 Kilted's wheels, in .venv-kilted
	@sh requirements/kilted.sh
	PYTHONPATH=$(CURDIR) .venv-kilted/bin/python -m pytest test/ros $(ARGS)

lint: setup-dev  ## ruff, mypy and import-linter alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: setup-dev  ## every property on examples that `make test` does not try; ROUNDS=20
	for round in $$(seq $(ROUNDS)); do \
		$(PYTEST) $(NO_ARMS) -m "hypothesis and not timing" --hypothesis-profile fuzz \
			-n $(CORES) --dist worksteal $(ARGS) || exit 1; done

mutation: setup-dev  ## change the torque guard line by line; a test has to notice each (minutes)
	@$(SETUP) mutation
	rm -rf mutants
	$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results | grep . && exit 1 || echo "no mutant survived"

bench: setup-bench  ## every speed beside its peers, learning over topics, Pendulum (two hours)
	$(BIN)/python -m benchmarks lockstep --rounds 9
	$(BIN)/python -m benchmarks latency --interleaved 3
	$(BIN)/python -m benchmarks checkpoint
	$(BIN)/python -m benchmarks.kills
	$(BIN)/python -m benchmarks.stops
	$(BIN)/python -m benchmarks learner --seconds 0.6
	$(BIN)/python -m benchmarks.compile_times
	$(BIN)/python -m benchmarks.learning --tasks reach swing_up
	$(BIN)/python -m benchmarks.executors
	$(BIN)/python -m benchmarks recording
	$(BIN)/python -m benchmarks.pendulum --ours-steps 4500 --sb3-steps 4500 --sbx-steps 4500 \
		--set learner.mode=compile --set noise.sigma=0.2 --set noise.sigma_final=0.05

bench-arms: setup-dev  ## five seeds of every arm with its weight (three hours)
	@$(SETUP) arms
	$(BIN)/python -m benchmarks.learning --tasks panda iiwa UR5 $(ARGS)
	@$(SETUP) bench
	$(BIN)/python -m benchmarks.arm_peers --tasks panda iiwa UR5

bench-gym: setup-bench  ## returns on Gymnasium beside Stable-Baselines3 (hours; ARGS="--hours 8")
	$(BIN)/python -m benchmarks.gym_table $(ARGS)

bench-options: setup-bench  ## the learner's options, one at a time (hours; ARGS="--hours 8")
	$(BIN)/python -m benchmarks.options $(ARGS)

doctor: setup  ## what is installed, what is missing, how to fix it
	$(BIN)/ddpg-ros doctor $(ARGS)

clean:  ## remove .venv, .venv-peers and what builds and tools left; runs/ stays
	rm -rf .venv .venv-peers .venv-kilted build install log dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	rm -rf .hypothesis .import_linter_cache mutants MUJOCO_LOG.TXT
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
