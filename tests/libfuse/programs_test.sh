#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# FUSE programs of Debian as they are, on libfuse and on our libraries: the same results, messages and exit codes.
# shellcheck source=tests/libfuse/common.sh
. "$(dirname "$0")/common.sh"
S=$T/source

# try NAME PROGRAM SETUP FUNCTION COMMAND...: on both; the setup makes $S
try() {
    local name=$1 program=$2 setup=$3 function=$4 library run
    shift 4
    command -v "$program" >/dev/null || { echo "# $name: $program is not installed"; return; }
    for library in system ours; do
        rm -rf "$S"
        mkdir "$S"
        $setup || { not_ok "$name: set up"; return; }
        run=()
        [ $library = ours ] && run=("$RUN")
        {
            "${run[@]}" "$@" 2>&1
            echo "exit code $?"
            grep -F " $M " /proc/self/mountinfo | sed 's/.* - \([^ ]*\) .*/\1/'
            $function 2>&1
            unmount
            after 2>&1
        } >"$T/$name.$library"
    done
    # What a program says once it is in the background libfuse throws away; we do not while it starts.
    sed -i '/Writing to the journal is not supported/d' "$T/$name".*
    same "$name"
    after() { :; }
}
after() { :; }

use() { bash "$HERE/use.sh" "$M" "$T"; }
look() {
    find "$M" -printf '%P %y %m %s %T@\n' | sort
    find "$M" -type f -exec md5sum {} + | sort -k 2
    touch "$M/x" 2>&1 | tail -c 30
    cat "$M/nothing" 2>&1 | tail -c 30
}

nothing() { :; }
try bindfs bindfs nothing use bindfs "$S" "$M"
try bindfs-mapped bindfs nothing use bindfs -u 1000 -g 1000 -p 0640:u+D --create-for-user=1234 --chown-ignore "$S" "$M"

two_trees() { mkdir "$S/upper" "$S/lower" && cp -r /usr/include/linux/can "$S/lower"; }
after_union() { find "$S" | sed "s|$S||" | sort; }
after() { after_union; }
change_union() {
    use
    echo changed >>"$M/can/bcm.h"
    rm "$M/can/gw.h"
    find "$M" -type f | sed "s|$M||" | sort
}
try unionfs unionfs two_trees change_union unionfs -o cow "$S/upper=RW:$S/lower=RO" "$M"

try encfs encfs nothing use bash -c "echo secret | encfs --stdinpass -S --standard '$S' '$M' >/dev/null"


ext4() { truncate -s 64M "$S/image" && mke2fs -q -t ext4 "$S/image"; }
after() { e2fsck -fn "$S/image" >/dev/null 2>&1; echo "e2fsck $?"; }
try fuse2fs fuse2fs ext4 use fuse2fs "$S/image" "$M"

zipped() { (cd /usr/include/linux && zip -qr "$S/a.zip" can); }
after() { unzip -tq "$S/a.zip" | sed 's/ of .*//'; unzip -l "$S/a.zip" | tail -n 1; }
change_zip() {
    use
    echo new >"$M/new"
    rm "$M/can/gw.h"
}
try fuse-zip fuse-zip zipped change_zip fuse-zip "$S/a.zip" "$M"

tarred() { tar czf "$S/a.tgz" -C /usr/include/linux can; }
after() { tar tzf "$S/a.tgz" | sort; }
try archivemount archivemount tarred change_zip archivemount "$S/a.tgz" "$M"

squashed() { mksquashfs /usr/include/linux/usb "$S/image" -quiet >/dev/null 2>&1; }
try squashfuse squashfuse squashed look squashfuse "$S/image" "$M"
iso() { genisoimage -quiet -R -o "$S/image" /usr/include/linux/usb 2>/dev/null; }
try fuseiso fuseiso iso look fuseiso "$S/image" "$M"

if command -v sshfs >/dev/null && [ -x /usr/sbin/sshd ]; then
    mkdir "$T/ssh" /run/sshd 2>/dev/null
    ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/host"
    ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/user"
    port=$((20000 + $$ % 20000))
    /usr/sbin/sshd -f /dev/null -p $port -h "$T/ssh/host" -o ListenAddress=127.0.0.1 -o StrictModes=no -o UsePAM=no \
        -o AuthorizedKeysFile="$T/ssh/user.pub" -o PidFile="$T/ssh/pid" -o PermitRootLogin=yes \
        -o Subsystem='sftp internal-sftp'
    options=IdentityFile=$T/ssh/user,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,port=$port,LogLevel=ERROR
    try sshfs sshfs nothing use sshfs -o "$options" "root@127.0.0.1:$S" "$M"
    kill "$(cat "$T/ssh/pid")"
fi

use_python() {
    echo hello >"$M/a"
    cat "$M/a"
    mv "$M/a" "$M/b"
    chmod 600 "$M/b"
    stat -c %a:%u:%g "$M/b"
    echo x >>"$M/b"
    cat "$M/b"
    ls "$M"
    rm "$M/b"
    cat "$M/b" 2>&1 | tail -c 30
}
if /usr/bin/python3 -c 'import fusepy' 2>/dev/null; then
    try fusepy /usr/bin/python3 nothing use_python /usr/bin/python3 "$HERE/memory.py" "$M"
fi
[ $good -gt 0 ] || [ $bad -gt 0 ] || { echo "none of the programs is installed: skipped"; exit 77; }
score
