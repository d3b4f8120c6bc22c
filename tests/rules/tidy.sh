#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tidy.sh BUILD-FOLDER: clang-tidy has nothing to say about any source file of the Linux build.
set -u
build=$(realpath "${1:?usage: $0 BUILD-FOLDER}")
cd "$(dirname "$0")/../.." || exit 1
clang_tidy=$(command -v clang-tidy-19) || { echo "clang-tidy-19 is not installed: skipped"; exit 77; }
git ls-files 'src/*.cpp' 'samples/*.cpp' | grep -vE '/windows/|_windows\.cpp$' |
    xargs -r -n 4 -P "$(nproc)" "$clang_tidy" -p "$build" --quiet 2>/dev/null | tee /dev/stderr | grep -cE '(warning|error):' >/dev/null &&
    exit 1
exit 0
