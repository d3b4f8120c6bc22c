#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# exports.sh LIBRARY: the library exports every function of the native API (exports.txt), and besides them only the
# Win32 functions of winapi.h and the FUSE interface.
set -u
library=${1:?usage: $0 LIBRARY}
here=$(cd "$(dirname "$0")" && pwd)
exported=$(nm -D --defined-only "$library" | awk '{print $3}' | sed 's/@.*//' | sort -u) || exit 1
bad=0

missing=$(comm -13 <(echo "$exported") <(sort "$here/exports.txt"))
[ -n "$missing" ] && { echo "not exported:" $missing; bad=1; }

others=$(grep -oE '\b[A-Z][A-Za-z0-9]+\(' "$here/../../../include/winfsp/winapi.h" | tr -d '(' | sort -u)
extra=$(comm -23 <(echo "$exported") <(sort "$here/exports.txt" <(echo "$others")) | grep -vE '^(fsp_)?fuse')
[ -n "$extra" ] && { echo "exported but not part of the interface:" $extra; bad=1; }

[ $bad = 0 ] && echo "all $(wc -l < "$here/exports.txt") functions are exported"
exit $bad
