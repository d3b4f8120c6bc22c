# SPDX-License-Identifier: MIT
# use.sh FOLDER SCRATCH: what people do with a file system. Prints results, not times or inode numbers, so that two runs can
# be compared.
B=$1/work
mkdir -p "$B" || exit 1
last() { tail -c 30; }
cp -a /usr/include/linux/usb "$B/usb" 2>&1 | head -n 3
diff -r /usr/include/linux/usb "$B/usb" && echo "a tree went in"
cp -a "$B/usb" "$2/out" 2>&1 | head -n 3
diff -r /usr/include/linux/usb "$2/out" && echo "and out again"
rm -rf "$2/out"
echo abc >"$B/f"
ln -s f "$B/s" 2>&1 | last
readlink "$B/s"
ln "$B/f" "$B/h" 2>&1 | last
stat -c '%h %s' "$B/f"
chmod 4751 "$B/f" 2>&1 | last
stat -c %a "$B/f"
chown 1000:1001 "$B/f" 2>&1 | last
stat -c %u:%g:%a "$B/f"
chmod 640 "$B/f" 2>&1 | last
touch -d '2001-02-03 04:05:06.123456789' "$B/f" 2>&1 | last
stat -c %y "$B/f"
touch -a "$B/f" 2>&1 | last
stat -c %y "$B/f" | grep -c ^2001
mkfifo "$B/p" 2>&1 | last
stat -c %F "$B/p" 2>&1 | last
mknod "$B/n" c 1 3 2>&1 | last
stat -c '%F %t %T' "$B/n" 2>&1 | last
mv "$B/f" "$B/g"
cat "$B/g"
mkdir "$B/d1" "$B/d2" && touch "$B/d1/x" && mv -T "$B/d1" "$B/d2" 2>&1 | last
mv -n "$B/g" "$B/d2/x"
mv "$B/d2" "$B/d3"
find "$B" | sort | md5sum
truncate -s 100 "$B/g"
stat -c %s "$B/g"
echo more >>"$B/g"
stat -c %s "$B/g"
setfattr -n user.foo -v bar "$B/g" 2>&1 | last
getfattr -n user.foo --only-values "$B/g" 2>&1 | last
setfattr -x user.foo "$B/g" 2>&1 | last
exec 3>"$B/open"
rm "$B/open" 2>&1 | last
echo hello >&3
exec 3>&-
ls -A "$B"
# shellcheck disable=SC2094 # several readers and a writer on purpose
python3 - "$B" <<'PY'
import os, sys
base = sys.argv[1]
path = base + "/data"
with open(path, "wb") as f:
    for i in range(64):
        f.seek(i * 70001)
        f.write(bytes([i]) * 4097)
with open(path, "r+b") as f:
    f.seek(123456); f.write(b"middle")
    f.truncate(3000000)
import hashlib
print(hashlib.md5(open(path, "rb").read()).hexdigest(), os.path.getsize(path))
for flags in (os.O_CREAT | os.O_EXCL | os.O_WRONLY, os.O_RDONLY | os.O_DIRECTORY):
    try:
        os.open(path, flags); print("opened")
    except OSError as e:
        print(e.strerror)
for call in (lambda: os.rmdir(base), lambda: os.unlink(base + "/nothing"), lambda: os.mkdir(base + "/usb"),
             lambda: os.rename(base + "/nothing", base + "/x"), lambda: os.listdir(path),
             lambda: os.readlink(path)):
    try:
        call(); print("done")
    except OSError as e:
        print(e.strerror)
PY
df --output=size "$1" | tail -n 1 | awk '{ print ($1 > 0) }' 2>/dev/null
rm -rf "$B" 2>&1 | last
ls -A "$1" | head -n 5
