#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Random work, beside a model: bytes of files, and the tree of names with modes, owners and times.
#
# The seeds are fixed here; `exercise_data DIRECTORY SEED OPERATIONS` and `exercise_tree DIRECTORY MODEL SEED
# OPERATIONS` run for as long as you like (docs/verification.md).
. "$(dirname "$0")/mount.sh"
start_memfs || exit 1
mkdir -m 755 "$T/model"

several() { # PROGRAM ARGUMENT... : at once, with a seed each
    local seed pids=() code=0
    for seed in 1 2 3; do
        "$@" "$seed" $((8000 / share + 300)) >"$T/seed.$seed" 2>&1 &
        pids+=($!)
    done
    for seed in 1 2 3; do wait "${pids[seed - 1]}" || { code=1; cat "$T/seed.$seed"; }; done
    return $code
}
mkdir "$M/data"
check "bytes of files agree with a model" several "$BIN/exercise_data" "$M/data"
if [ "$(id -u)" = 0 ]; then
    chmod 755 "$M"
    check "names, modes, owners, times and attributes are as on the file system of $T" \
        several "$BIN/exercise_tree" "$M" "$T/model"
fi
finish
