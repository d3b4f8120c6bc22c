#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# installed.sh BUILD-FOLDER: programs outside of the repository build and run against an installed copy, found by
# pkg-config and by find_package.
set -eu
build=$(realpath "${1:?usage: $0 BUILD-FOLDER}")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

mkdir -p "$prefix"
cmake --install "$build" --prefix "$prefix" --component winfsp > "$work/install.log" || { cat "$work/install.log"; exit 1; }
pc=$(find "$prefix" -name winfsp.pc)
[ -n "$pc" ] || { echo "no winfsp.pc is installed"; exit 1; }
libraries=$(dirname "$(dirname "$pc")")
export LD_LIBRARY_PATH=$libraries

echo "== pkg-config"
export PKG_CONFIG_PATH=$libraries/pkgconfig
flags="$(pkg-config --define-variable=prefix="$prefix" --cflags --libs winfsp)"
gcc -std=gnu11 -Wall -Wextra -Werror "$here/client.c" -o "$work/client-c" $flags
g++ -std=c++11 -Wall -Wextra -Werror "$here/client.cpp" -o "$work/client-cpp" $flags
"$work/client-c"
"$work/client-cpp"

echo "== pkg-config fuse, fuse3"
hello=/usr/share/doc/libfuse3-dev/examples/hello.c
if [ -f $hello ]; then
    export PKG_CONFIG_PATH=$libraries/openfsp/pkgconfig
    gcc -Wall $hello -o "$work/hello" $(pkg-config --define-variable=prefix="$prefix" --cflags --libs fuse3)
    env -u LD_LIBRARY_PATH "$work/hello" --version | grep OpenFsp
    env -u LD_LIBRARY_PATH "$prefix/bin/openfsp-run" "$work/hello" --version | grep OpenFsp
fi

echo "== find_package"
mkdir "$work/client"
cat > "$work/client/CMakeLists.txt" << EOF2
cmake_minimum_required(VERSION 3.20)
project(Client C CXX)
find_package(WinFsp 2.2 REQUIRED)
add_executable(client-c $here/client.c)
add_executable(client-cpp $here/client.cpp)
target_link_libraries(client-c WinFsp::winfsp)
target_link_libraries(client-cpp WinFsp::winfsp)
EOF2
cmake -S "$work/client" -B "$work/client/build" -DCMAKE_PREFIX_PATH="$prefix" > "$work/cmake.log" ||
    { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/client/build" > "$work/build.log" || { cat "$work/build.log"; exit 1; }
"$work/client/build/client-c"
"$work/client/build/client-cpp"
echo "installed programs build and run"
