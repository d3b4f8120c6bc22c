#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every source file is as clang-format leaves it.
set -u
cd "$(dirname "$0")/../.." || exit 1
clang_format=$(command -v clang-format-19) || { echo "clang-format-19 is not installed: skipped"; exit 77; }
git ls-files 'src/*.cpp' 'src/*.h' 'samples/*.cpp' 'samples/*.h' 'tests/*.cpp' 'tests/*.h' 'bench/*.cpp' 'bench/*.h' |
    xargs -r "$clang_format" --dry-run --Werror
