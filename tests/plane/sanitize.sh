#!/usr/bin/env bash
# The extensions, built with AddressSanitizer and UndefinedBehaviorSanitizer, under the
# tests that compare them with Python, a run of broken messages, and threads under load
# while their tables are swapped.
#
#   tests/plane/sanitize.sh [MILLIONS]   messages to try, 1 by default
#
# Builds into a folder of its own; PYTHON chooses the interpreter, which needs Cython.
set -euo pipefail

cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r dinamed tests setup.py setup.cfg pyproject.toml README.rst LICENSE "$work"
cd "$work"
rm -f dinamed/*/*.so dinamed/*/native.c
case $python in /*) ;; *) python=$OLDPWD/$python ;; esac
CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=undefined" \
    LDFLAGS="-fsanitize=address,undefined" \
    "$python" setup.py -q build_ext --inplace

export LD_PRELOAD
LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)"
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
export PYTHONPATH=$work PYTHONMALLOC=malloc
"$python" -m twisted.trial tests.plane tests.zones.test_native
"$python" -m tests.plane.fuzz "${1:-1}"
"$python" -m tests.plane.fuzz_streams 3
exec "$python" -m tests.plane.races 20
