#!/bin/sh
# SPDX-License-Identifier: MIT
# private-libfuse3.sh ARCHIVE RESULT: a copy of libfuse3.a whose symbols have no versions, for linking into another
# shared library: "name@@VERSION" becomes "name", "name@VERSION" (for old programs) something that nobody asks for.
set -eu
names=$(mktemp)
trap 'rm -f "$names"' EXIT
nm "$1" 2>/dev/null | awk '$NF ~ /@/ {
    new = $NF
    if (sub(/@@.*/, "", new) == 0) gsub(/[@.]/, "_", new)
    print $NF, new
}' | sort -u >"$names"
objcopy --redefine-syms="$names" "$1" "$2"
