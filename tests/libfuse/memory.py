# SPDX-License-Identifier: MIT
"""A file system in memory with fusepy: files in one directory."""
import errno
import stat
import sys
import time

from fusepy import FUSE, FuseOSError, Operations, fuse_get_context


class Memory(Operations):
    def __init__(self):
        self.files = {"/": dict(st_mode=stat.S_IFDIR | 0o755, st_nlink=2)}
        self.data = {}

    def getattr(self, path, fh=None):
        if path not in self.files:
            raise FuseOSError(errno.ENOENT)
        return self.files[path]

    def readdir(self, path, fh):
        return [".", ".."] + [name[1:] for name in self.files if name != "/"]

    def create(self, path, mode):
        uid, gid, _ = fuse_get_context()
        now = time.time()
        self.files[path] = dict(st_mode=stat.S_IFREG | mode, st_nlink=1, st_size=0, st_uid=uid, st_gid=gid,
                                st_ctime=now, st_mtime=now, st_atime=now)
        self.data[path] = b""
        return 7

    def read(self, path, size, offset, fh):
        return self.data[path][offset:offset + size]

    def write(self, path, data, offset, fh):
        self.data[path] = self.data[path][:offset] + data
        self.files[path]["st_size"] = len(self.data[path])
        return len(data)

    def truncate(self, path, length, fh=None):
        self.data[path] = self.data[path][:length]
        self.files[path]["st_size"] = length

    def unlink(self, path):
        del self.files[path]
        del self.data[path]

    def rename(self, old, new):
        self.files[new] = self.files.pop(old)
        self.data[new] = self.data.pop(old)

    def chmod(self, path, mode):
        self.files[path]["st_mode"] = stat.S_IFMT(self.files[path]["st_mode"]) | mode


FUSE(Memory(), sys.argv[1])
