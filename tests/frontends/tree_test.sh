#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Real trees, a git repository, a build: ordinary work on the drive.
. "$(dirname "$0")/mount.sh"
start_memfs || exit 1

copy_and_compare() {
    cp -a "$1" "$M/$2" && diff -r --no-dereference "$1" "$M/$2" &&
        [ -z "$(rsync -rlptgon --checksum --delete -i "$1/" "$M/$2/" | tee /dev/stderr)" ]
}
headers=/usr/include documents=/usr/share/doc
if [ "$share" != 1 ]; then headers=/usr/include/linux/netfilter documents=/usr/share/doc/git; fi
check "a copy of $headers is equal to it" copy_and_compare $headers include
check "a copy of $documents is equal to it" copy_and_compare $documents doc

parallel() {
    local pids=() i
    for i in 1 2 3 4; do
        (cp -a $headers "$M/p$i" && diff -r --no-dereference $headers "$M/p$i" && rm -r "$M/p$i") &
        pids+=($!)
    done
    local code=0
    for i in "${pids[@]}"; do wait "$i" || code=1; done
    return $code
}
check "four copies at once" parallel

make_repository() {
    git init -q -b main "$T/origin" && cd "$T/origin" || return 1
    git config user.email t@example.org && git config user.name Test
    local i
    for ((i = 1; i <= commits; i++)); do
        printf 'commit refs/heads/main\ncommitter Test <t@example.org> %d +0000\ndata 5\nc%04d\n' $((1700000000 + i)) "$i"
        [ "$i" = 1 ] || printf 'from :%d\n' $((i - 1))
        printf 'M 100644 inline dir%d/file%d\ndata 12\ncontent %04d\n' $((i % 20)) $((i % 300)) "$i"
    done | awk '/^committer/ { print "mark :" ++n } { print }' | git fast-import --quiet
    [ "$(git rev-list --count main)" = $commits ]
}
commits=$((1100 / share))
check "a repository of $commits commits" make_repository
check "git clone onto the drive" git clone -q "file://$T/origin" "$M/clone"
check "git fsck" git -C "$M/clone" fsck --full --strict
check "git gc" git -C "$M/clone" gc -q --aggressive --prune=now
check "git fsck after gc" git -C "$M/clone" fsck --full --strict
check "git status is clean" sh -c "[ -z \"\$(git -C '$M/clone' status --porcelain)\" ]"
check "git checkout of an old commit and back" sh -c "git -C '$M/clone' checkout -q HEAD~$((commits / 2)) && git -C '$M/clone' checkout -q main"

files=$((200 / share))
make_project() {
    mkdir "$M/project" && cd "$M/project" || return 1
    local i
    {
        echo 'cmake_minimum_required(VERSION 3.16)'
        echo 'project(two_hundred C)'
        echo 'file(GLOB sources *.c)'
        # shellcheck disable=SC2016
        echo 'add_executable(program ${sources})'
    } >CMakeLists.txt
    for ((i = 0; i < files; i++)); do echo "int f$i(void) { return $i; }" >"f$i.c"; done
    {
        for ((i = 0; i < files; i++)); do echo "int f$i(void);"; done
        echo 'int main(void) { int s = 0;'
        for ((i = 0; i < files; i++)); do echo "s += f$i();"; done
        echo "return s == $((files * (files - 1) / 2)) ? 0 : 1; }"
    } >main.c
    cmake -S . -B build && cmake --build build -j2 && ./build/program && cmake --build build 2>&1 | tee "$T/again" &&
        ! grep -q Building "$T/again"
}
check "configure and build a project of $files files with -j2, and run it" make_project
finish
