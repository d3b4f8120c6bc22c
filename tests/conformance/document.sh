#!/bin/sh
# SPDX-License-Identifier: MIT
# document.sh CONFORMANCE: writes the tables of docs/conformance.md anew from the list of tests.
# document.sh --check CONFORMANCE: fails if they are not up to date.
set -eu
check=
[ "${1-}" != --check ] || { check=1; shift; }
program=$(realpath "${1:?usage: document.sh [--check] build/release/bin/conformance}")
cd "$(dirname "$0")/../.."
document=docs/conformance.md
new=$(mktemp)
trap 'rm -f "$new"' EXIT
{ sed '/^<!-- made by/q' $document; "$program" --table; } >"$new"
if [ -z "$check" ]; then
    cat "$new" >$document
else
    diff -u $document "$new" || { echo "run tests/conformance/document.sh to bring docs/conformance.md up to date"; exit 1; }
fi
