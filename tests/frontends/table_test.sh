#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tables of POSIX calls x conditions x users, compared with tmpfs.
. "$(dirname "$0")/mount.sh"
[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || { echo "needs root: skipped"; exit 77; }
start_memfs || exit 1
check "chmod of the root directory" sh -c "chmod 755 '$M' && [ \"\$(stat -c %a '$M')\" = 755 ]"

# The model and the read-only drive are mounts that nobody else sees.
beside_tmpfs() {
    unshare -m sh -c "mkdir -p '$T/model' && mount -t tmpfs -o mode=755,noatime none '$T/model' && $1"
}
tables=(creations owners accesses moved_times set_times input_output directories opens renames paths)
[ "$share" = 1 ] || tables=(owners accesses moved_times) # a small part of the time
for table in "${tables[@]}"; do
    check "$table as on tmpfs" beside_tmpfs "'$BIN/posix_table' '$M' '$T/model' $table"
done
check "a drive that is mounted read-only" beside_tmpfs "
    for root in '$M' '$T/model'; do
        mkdir -p \$root/posix_table/room/d && echo x >\$root/posix_table/room/f && mkfifo \$root/posix_table/room/fifo || exit 1
        chmod 777 \$root/posix_table/room \$root/posix_table/room/*
        mount -i -o remount,bind,ro \$root || exit 1
    done
    '$BIN/posix_table' '$M' '$T/model' read_only"
finish
