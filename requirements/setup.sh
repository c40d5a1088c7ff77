#!/bin/sh
# Makes .venv and everything in it: `sh requirements/setup.sh [runtime|dev|bench|mutation|arms]`.
#
# A second call with nothing changed returns at once. An interrupted call leaves .venv/unfinished,
# and the next one starts over. PYTHON=… chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
part=${1:-runtime}
venv=.venv

say() { echo "set-up: $*" >&2; }
fail() { say "$*"; exit 2; }

# ROS wheels re-start Python with these set; another environment's would lead ours astray.
if [ -n "${_ROS_WHEELS_BOOTSTRAP_COMPLETE:-}" ]; then
    unset LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
fi
unset PYTHONHOME VIRTUAL_ENV

# One set-up at a time in a checkout.
if command -v flock >/dev/null; then
    exec 9<"requirements/setup.sh"
    flock -n 9 || { say "waiting for another set-up in this checkout"; flock 9; }
fi

runs() { # a command that exists may still be a pyenv shim for a version that is not chosen
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}
version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
same() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

origin="$here ${ROS_DISTRO:-without a sourced ROS}"
key=$(cat requirements/*.txt requirements/setup.sh setup.py pyproject.toml | cksum)

whole() { # .venv runs, was finished, and was made here from what is asked for (or by someone else)
    [ ! -e $venv/unfinished ] && runs $venv/bin/python \
        && { [ ! -e $venv/origin ] || same $venv/origin "$origin"; } \
        && { [ -z "${PYTHON:-}" ] || [ ! -e $venv/asked ] || same $venv/asked "$PYTHON"; }
}

if whole; then
    same $venv/ready-runtime "$key" || rm -f $venv/ready-*
    if same "$venv/ready-$part" "$key"; then exit 0; fi
elif [ -d $venv ]; then
    say "$venv is unfinished, or was made from something else: starting over"
    rm -rf $venv
fi

choose_for_ros() { # the interpreter that the sourced ROS was built for
    for python in ${PYTHON:-python3 /usr/bin/python3}; do
        if runs "$python" && "$python" -c 'import rclpy' 2>/dev/null; then return 0; fi
    done
    fail "ROS 2 '$ROS_DISTRO' is sourced, but ${PYTHON:-python3} cannot import its rclpy" \
        "(or lacks venv: apt install python3-venv). Give the interpreter that this ROS was built" \
        "for, 'make … PYTHON=/usr/bin/python3', or use a shell in which no ROS is sourced."
}

choose() { # PyBullet has wheels for 3.10 and 3.11
    for python in ${PYTHON:-python3.11 python3.10 python3.12 python3}; do
        if runs "$python"; then break; fi
        python=
    done
    [ -n "$python" ] && return 0
    one=${PYTHON:-python3}
    command -v "$one" >/dev/null || fail "there is no '$one'; install Python 3.10 or 3.11 with" \
        "venv (apt install python3 python3-venv), or name one: 'make … PYTHON=/path/to/python3'."
    found=$(version "$one") || fail "'$one' does not run; try '$one --version', or name another" \
        "interpreter: 'make … PYTHON=/path/to/python3'."
    case $found in
        [0-2].* | 3.[0-9]) fail "'$one' is Python $found, and 3.10 or newer is needed (3.11 is" \
            "best); install one, or name it: 'make … PYTHON=/path/to/python3.11'." ;;
        *) fail "'$one' (Python $found) lacks venv; install it: apt install python$found-venv." ;;
    esac
}

check_compiler() { # before ten minutes of downloads, not after
    case $(version "$python") in 3.10 | 3.11) return 0 ;; esac
    header='import os, sysconfig; print(os.path.join(sysconfig.get_path("include"), "Python.h"))'
    if ! command -v c++ >/dev/null || [ ! -f "$("$python" -c "$header")" ]; then
        fail "PyBullet has no wheel for Python $(version "$python") and there is no C++ compiler" \
            "with Python's headers; use Python 3.10 or 3.11 ('make … PYTHON=python3.11'), or" \
            "apt install build-essential python3-dev."
    fi
    say "PyBullet has no wheel for Python $(version "$python") and is compiled: about 4 minutes"
}

limits=requirements/constraints.txt
if [ -n "${ROS_DISTRO:-}" ]; then
    # The system's messages are compiled against the system's numpy: keep that one.
    choose_for_ros
    ros="" site=--system-site-packages origin_of_ros="ROS 2 $ROS_DISTRO of this system"
    numpy=$("$python" -c 'import numpy; print(numpy.__version__)' 2>/dev/null || true)
else
    choose
    numpy=
    [ "$(uname -sm)" = "Linux x86_64" ] || fail "this is $(uname -sm), and the ROS 2 wheels are" \
        "made for Linux x86_64; source an installed ROS 2 first: . /opt/ros/jazzy/setup.sh"
    ros="-r requirements/ros.txt" site="" origin_of_ros="ROS 2 wheels"
fi

started=$(date +%s)
mkdir -p $venv
touch $venv/unfinished
if [ ! -x $venv/bin/python ]; then
    check_compiler
    say "making $venv with $python ($(version "$python")) and $origin_of_ros"
    "$python" -m venv $site $venv
fi

if [ -n "$numpy" ]; then
    limits=$venv/constraints.txt
    others='^numpy=='
    case $numpy in # Ubuntu 24.04's: the newest pinocchio that goes with it is another
        1.*) others='^(numpy|pin|libpinocchio|cmeel[a-z-]*|eigenpy|coal|libcoal)==' ;;
    esac
    grep -Ev "$others" requirements/constraints.txt >$limits
    echo "numpy==$numpy" >>$limits
fi

install() { # what it is, then arguments of pip
    what=$1 from=$(date +%s)
    shift
    say "installing $what …"
    if ! $venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check \
        "$@" >$venv/setup.log 2>&1; then
        grep -v '^WARNING: Location' $venv/setup.log | tail -n 25 >&2
        fail "pip could not install $what (its words are above). Without a network, point" \
            "PIP_FIND_LINKS at a folder of wheels; behind a mirror, set PIP_INDEX_URL. Then run" \
            "the same command again."
    fi
    say "… done in $(($(date +%s) - from)) s"
}

if ! same $venv/ready-runtime "$key"; then
    # shellcheck disable=SC2086  # $ros is no argument, or two
    install "the product (torch, PyBullet, $origin_of_ros: some hundred MB)" \
        -c $limits setuptools -r requirements/base.txt -r requirements/learn.txt \
        -r requirements/sim.txt -r requirements/xacro.txt $ros
    install "this checkout" --no-deps --no-build-isolation -e .
fi
if [ "$part" = dev ]; then
    install "the test tools" -c $limits -r requirements/dev.txt -r requirements/onnx.txt
    echo "$key" >$venv/ready-dev
fi
if [ "$part" = arms ]; then
    install "the arms of others (131 MB)" -c $limits -r requirements/arms.txt
    echo "$key" >$venv/ready-arms
fi
if [ "$part" = mutation ]; then
    install "mutmut" -c $limits -r requirements/mutation.txt
    echo "$key" >$venv/ready-mutation
fi
if [ "$part" = bench ]; then
    install "MuJoCo, for the benchmarks" -c $limits -r requirements/bench.txt
    echo "$key" >$venv/ready-bench
fi
echo "$key" >$venv/ready-runtime
echo "$origin" >$venv/origin
[ -z "${PYTHON:-}" ] || echo "$PYTHON" >$venv/asked
rm -f $venv/unfinished
say "ready after $(($(date +%s) - started)) s"
