#!/bin/sh
# SPDX-License-Identifier: MIT
# test-sign.sh FOLDER...: signs the drivers, libraries and programs (*.sys, *.dll, *.exe) in the folders with a
# certificate made on the spot, and verifies the signatures. The certificate is left in the first folder as
# test-signing.cer, for Windows to trust; its key is thrown away.
# Exit code 77: osslsigncode or openssl is missing.
set -eu

[ $# -gt 0 ] || { echo "usage: test-sign.sh FOLDER..." >&2; exit 2; }
for tool in osslsigncode openssl; do
    command -v "$tool" >/dev/null || { echo "test-sign: $tool is not installed"; exit 77; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 365 -subj '/CN=OpenFsp test signing' \
    -addext 'keyUsage=critical,digitalSignature' -addext 'extendedKeyUsage=codeSigning' \
    -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
openssl x509 -in "$work/certificate.pem" -outform DER -out "$1/test-signing.cer"

count=0
for folder; do
    for file in "$folder"/*.sys "$folder"/*.dll "$folder"/*.exe; do
        [ -f "$file" ] || continue
        # A file that has a signature gets a new one.
        osslsigncode remove-signature -in "$file" -out "$work/bare" >/dev/null 2>&1 || cp "$file" "$work/bare"
        osslsigncode sign -certs "$work/certificate.pem" -key "$work/key.pem" -h sha256 -n OpenFsp \
            -in "$work/bare" -out "$work/signed" >/dev/null
        osslsigncode verify -CAfile "$work/certificate.pem" -in "$work/signed" >"$work/log" 2>&1 || {
            cat "$work/log" >&2
            echo "test-sign: the signature of $file is not good" >&2
            exit 1
        }
        cp "$work/signed" "$file"
        rm -f "$work/bare" "$work/signed"
        count=$((count + 1))
    done
done
[ "$count" -gt 0 ] || { echo "test-sign: there is nothing to sign in $*" >&2; exit 1; }
echo "test-sign: $count files signed and verified"
