# Everything needs python3 (3.10 or newer, with venv) and make; the rest is set up in .venv.
# PYTHON=…  interpreter to set up with      ARGS=…  more arguments for the command

ARGS ?=
CONFIG ?= reach
BIN := .venv/bin
SETUP := sh requirements/setup.sh
export PYTHON

# ROS wheels re-start Python with these set; another environment's would lead ours astray.
ifdef _ROS_WHEELS_BOOTSTRAP_COMPLETE
unexport LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
endif

.PHONY: help setup setup-dev setup-bench train test lint mutation bench bench-gym bench-options doctor clean

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

# Tests with nodes in real time have the machine to themselves; exit code 5: ARGS chose none here.
test: lint  ## linters, types, contracts of imports, and every test; ARGS="-k plan"
	$(BIN)/python -m pytest -m "not ros" -n 2 --dist loadfile $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -m ros $(ARGS) || [ $$? -eq 5 ]

lint: setup-dev  ## ruff, mypy and import-linter alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mutation: setup-dev  ## change the torque guard line by line; a test has to notice each (minutes)
	@$(SETUP) mutation
	rm -rf mutants
	$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results | grep . && exit 1 || echo "no mutant survived"

bench: setup-bench  ## every speed beside its peers, learning over topics, Pendulum (two hours)
	$(BIN)/python -m benchmarks lockstep --rounds 9
	$(BIN)/python -m benchmarks latency --interleaved 3
	$(BIN)/python -m benchmarks.kills
	$(BIN)/python -m benchmarks.stops
	$(BIN)/python -m benchmarks learner --seconds 0.6
	$(BIN)/python -m benchmarks.compile_times
	$(BIN)/python -m benchmarks.learning
	$(BIN)/python -m benchmarks.pendulum --ours-steps 4500 --sb3-steps 4500 --sbx-steps 4500 \
		--set learner.mode=compile --set noise.sigma=0.2 --set noise.sigma_final=0.05

bench-gym: setup-bench  ## returns on Gymnasium beside Stable-Baselines3 (hours; ARGS="--hours 8")
	$(BIN)/python -m benchmarks.gym_table $(ARGS)

bench-options: setup-bench  ## the learner's options, one at a time (hours; ARGS="--hours 8")
	$(BIN)/python -m benchmarks.options $(ARGS)

doctor: setup  ## what is installed, what is missing, how to fix it
	$(BIN)/ddpg-ros doctor $(ARGS)

clean:  ## remove .venv, .venv-peers and what builds and tools left; runs/ stays
	rm -rf .venv .venv-peers build install log dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	rm -rf .hypothesis .import_linter_cache mutants MUJOCO_LOG.TXT
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
