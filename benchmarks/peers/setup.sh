#!/bin/sh
# Makes .venv-peers from requirements.txt: `sh benchmarks/peers/setup.sh`.
#
# A second call with nothing changed returns at once; `ready` is written last, and without it the
# next call starts over. PYTHON=… chooses the interpreter (3.11 or newer).
set -eu
cd "$(dirname "$0")/../.."
venv=.venv-peers
limits=benchmarks/peers/requirements.txt
key=$(cksum <$limits)

say() { echo "peers: $*" >&2; }
runs() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# ROS wheels re-start Python with these set; another environment's would lead this one astray.
unset LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE PYTHONHOME PYTHONPATH VIRTUAL_ENV

# One set-up at a time in a checkout.
if command -v flock >/dev/null; then
    exec 9<"$limits"
    flock 9
fi

if [ -f $venv/ready ] && [ "$(cat $venv/ready)" = "$key" ] && runs $venv/bin/python; then
    exit 0
fi
for python in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
    if runs "$python"; then break; fi
    python=
done
if [ -z "$python" ]; then
    say "no Python 3.11 or newer with venv; install one, or name it: 'make setup-bench PYTHON=…'."
    exit 2
fi

started=$(date +%s)
rm -rf $venv
say "making $venv with $python: Stable-Baselines3, SBX, TorchRL, torch, JAX and MuJoCo, some hundred MB …"
"$python" -m venv $venv
if ! $venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
    -r $limits >$venv/setup.log 2>&1; then
    tail -n 25 $venv/setup.log >&2
    say "pip could not install the peers (its words are above). Run the same command again."
    exit 2
fi
echo "$key" >$venv/ready
say "ready after $(($(date +%s) - started)) s"
