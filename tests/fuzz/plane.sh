#!/usr/bin/env bash
# The plane's C code under libFuzzer, with AddressSanitizer and UndefinedBehaviorSanitizer.
#
#   tests/fuzz/plane.sh [SECONDS [CORPUS]]   60 seconds and a new corpus by default
#
# Builds into a folder of its own with clang and its compiler-rt; PYTHON chooses the
# interpreter, which needs Cython.  What fails is left in the present folder as `crash-*`
# and can be tried again: `tests/fuzz/plane.sh 0 crash-...`.
set -euo pipefail

seconds=${1:-60}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpus=$(realpath "${2:-$work}")
[ "$corpus" = "$work" ] && corpus=$work/corpus && mkdir "$corpus"
here=$PWD
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
case $python in /*) ;; *) python=$PWD/$python ;; esac
runtime=$(clang -print-runtime-dir)

cp -r dinamed tests setup.py setup.cfg pyproject.toml README.rst LICENSE "$work"
cd "$work"
rm -f dinamed/plane/*.so dinamed/plane/*.c
cat tests/fuzz/driver.pxi >>dinamed/plane/native.pyx
export CC=clang
export CFLAGS="-O2 -g -fno-omit-frame-pointer \
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
export LDSHARED="clang -shared" LDFLAGS="-fsanitize=address,undefined -shared-libasan \
    -Wl,--whole-archive $runtime/libclang_rt.fuzzer_no_main-x86_64.a \
    -Wl,--no-whole-archive -Wl,-Bsymbolic -lstdc++ -lm"
"$python" setup.py -q build_ext --inplace
unset CC CFLAGS LDSHARED LDFLAGS

export LD_PRELOAD=$runtime/libclang_rt.asan-x86_64.so
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
export PYTHONPATH=$work PYTHONMALLOC=malloc
exec "$python" -m tests.fuzz.plane "$seconds" "$corpus" "$here/"
