#!/bin/sh
# SPDX-License-Identifier: MIT
# exports_test.sh DLL: its exports are those of exports.txt and no others, and it imports from kernel32, advapi32 and
# ntdll only.
set -eu
dll=${1:?usage: exports_test.sh DLL}
here=$(cd "$(dirname "$0")" && pwd)
readobj=llvm-readobj${LLVM_SUFFIX--19}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -e 's/#.*//' -e '/^ *$/d' "$here/exports.txt" | sort >"$work/wanted"
"$readobj" --coff-exports "$dll" | sed -n 's/^ *Name: //p' | sort >"$work/found"
diff "$work/wanted" "$work/found" >"$work/diff" || {
    echo "$dll: exports differ (< missing, > not in the list)" >&2
    cat "$work/diff" >&2
    exit 1
}
others=$("$readobj" --coff-imports "$dll" | sed -n 's/^ *Name: //p' | tr 'A-Z' 'a-z' | grep -vE '^(kernel32|advapi32|ntdll)\.dll$' || true)
[ -z "$others" ] || {
    echo "$dll: imports from $others" >&2
    exit 1
}
echo "$dll: $(wc -l <"$work/found") exports"
