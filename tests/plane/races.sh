#!/usr/bin/env bash
# The plane's extension, built with ThreadSanitizer, under load while all that its
# threads read is swapped.
#
#   tests/plane/races.sh [SECONDS]   20 by default
#
# Builds into a folder of its own; PYTHON chooses the interpreter, which needs Cython.
# Fails if the sanitizer reports a race in code of ours.
set -euo pipefail

cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r dinamed tests setup.py setup.cfg pyproject.toml README.rst LICENSE "$work"
case $python in /*) ;; *) python=$PWD/$python ;; esac
cd "$work"
rm -f dinamed/*/*.so dinamed/*/native.c
CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=thread" LDFLAGS="-fsanitize=thread" \
    "$python" setup.py -q build_ext --inplace

# The interpreter is not built for the sanitizer: what it does by itself is no finding.
export TSAN_OPTIONS="report_signal_unsafe=0 exitcode=0 log_path=$work/report"
LD_PRELOAD="$(cc -print-file-name=libtsan.so)" PYTHONPATH=$work \
    "$python" -m tests.plane.races "${1:-20}"
if cat "$work"/report.* 2>/dev/null | grep -q 'native\.'; then
    cat "$work"/report.*
    exit 1
fi
