#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Who may include whom (docs/architecture.md): prints every include that breaks the rule.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0

# check FOLDER EXTENDED-REGEXP: project headers that files below FOLDER must not include
check() {
    local found
    found=$(grep -rnE --include='*.cpp' --include='*.h' --include='*.hpp' --include='*.c' \
        "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1")
    [ -z "$found" ] && return
    echo "$1 must not include:"
    echo "$found" | sed 's/^/  /'
    bad=1
}

rooms='(\.\./)*(src/)?'
check src/nt "$rooms(ntos|fsd|dll|host|frontends)/|ntifs\.h|ntddk\.h|wdm\.h|winfsp/(winfsp|fsctl)|fuse"
check src/ntos "$rooms(fsd|dll|host|frontends)/|winfsp/(winfsp|fsctl)|fuse"
check src/fsd "$rooms(nt|ntos|dll|host|frontends)/|winfsp/winfsp|fuse|[a-z_]+>"
check src/dll "$rooms(ntos|fsd|host|frontends)/|ntifs\.h|ntddk\.h|wdm\.h|fuse_|fuse3?/fuse_lowlevel"
check src/frontends "$rooms(fsd|dll|host)/|winfsp/(winfsp|fsctl)"
check src/host "$rooms(fsd)/"
check src/libfuse "$rooms(ntos|fsd|host)/|ntifs\.h"
check src/fsptool "$rooms(nt|ntos|fsd|dll|host|frontends)/|ntifs\.h"
check samples "$rooms(nt|ntos|fsd|dll|host|frontends)/|ntifs\.h"
[ $bad = 0 ] && echo "dependencies: every include follows the rule"
exit $bad
