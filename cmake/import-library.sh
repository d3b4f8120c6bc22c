#!/bin/sh
# SPDX-License-Identifier: MIT
# import-library.sh NAME DEF LIBRARY: an ARM64 import library of NAME.dll with the functions that mingw-w64 knows of
# it for x64.
set -eu
{
    echo "LIBRARY $1.dll"
    echo EXPORTS
    nm /usr/x86_64-w64-mingw32/lib/lib"$1".a 2>/dev/null | sed -n 's/^[0-9a-f]* T //p' | grep -v '^_' | sort -u
} >"$2"
"llvm-dlltool${LLVM_SUFFIX--19}" -m arm64 -d "$2" -l "$3"
