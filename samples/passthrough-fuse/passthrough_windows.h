// SPDX-License-Identifier: MIT
/// @file A directory shown elsewhere, as both versions of FUSE see it, on Windows. Include <fuse.h> first.
///
/// The same functions as passthrough.h has on POSIX. What Windows does not have is left out of the table:
/// owners and modes (who asks is checked by Windows against what getattr says), links, special files and
/// extended attributes.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <windows.h>

namespace passthrough {

constexpr fuse_mode_t directory_type = 0040000, file_type = 0100000;
constexpr int write_only = 1, read_write = 2, access_mask = 3; // open flags

/// The directory that is shown, without a backslash at the end.
inline std::wstring& root()
{
    static std::wstring path;
    return path;
}

inline std::wstring widen(const char* text)
{
    const int size = MultiByteToWideChar(CP_UTF8, 0, text, -1, nullptr, 0);
    std::wstring wide(size > 0 ? size_t(size) : 1, L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text, -1, wide.data(), size);
    wide.pop_back();
    return wide;
}

inline std::string narrow(const wchar_t* text)
{
    const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string utf8(size > 0 ? size_t(size) : 1, '\0');
    WideCharToMultiByte(CP_UTF8, 0, text, -1, utf8.data(), size, nullptr, nullptr);
    utf8.pop_back();
    return utf8;
}

/// The file behind a path. Characters that Windows reserves are in the private use area there.
inline std::wstring real(const char* path)
{
    std::wstring below = widen(path);
    for (wchar_t& c : below)
        if (c == L'/')
            c = L'\\';
        else if (c < 0x20 || std::wcschr(L"\"*:<>?\\|", c))
            c = wchar_t(c | 0xF000);
    return root() + below;
}

/// The error number for a Win32 error.
inline int failure(DWORD error = GetLastError())
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
        return -ENOENT;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS:
        return -EEXIST;
    case ERROR_DIR_NOT_EMPTY:
        return -ENOTEMPTY;
    case ERROR_DIRECTORY:
        return -ENOTDIR;
    case ERROR_DISK_FULL:
        return -ENOSPC;
    case ERROR_NOT_ENOUGH_MEMORY:
        return -ENOMEM;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
        return -EBUSY;
    case ERROR_WRITE_PROTECT:
        return -EROFS;
    case ERROR_INVALID_PARAMETER:
        return -EINVAL;
    case ERROR_NOT_SAME_DEVICE:
        return -EXDEV;
    case ERROR_ACCESS_DENIED:
        return -EACCES;
    default:
        return -EIO;
    }
}
inline int outcome(BOOL done) { return done ? 0 : failure(); }

/// A handle that is closed at the end.
class File
{
  public:
    explicit File(HANDLE handle) : handle_(handle) {}
    File(const std::wstring& path, DWORD access)
        : handle_(CreateFileW(path.c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr))
    {}
    File(const File&) = delete;
    ~File()
    {
        if (*this)
            CloseHandle(handle_);
    }
    explicit operator bool() const { return handle_ != INVALID_HANDLE_VALUE; }
    HANDLE get() const { return handle_; }
    HANDLE release()
    {
        const HANDLE handle = handle_;
        handle_ = INVALID_HANDLE_VALUE;
        return handle;
    }

  private:
    HANDLE handle_;
};

inline HANDLE handle_of(const fuse_file_info* fi) { return reinterpret_cast<HANDLE>(UINT_PTR(fi->fh)); }

constexpr INT64 unix_epoch = 116444736000000000; // 100 ns since 1601

inline fuse_timespec to_timespec(const FILETIME& time)
{
    const INT64 ticks = (INT64(time.dwHighDateTime) << 32 | time.dwLowDateTime) - unix_epoch;
    fuse_timespec out{};
    out.tv_sec = decltype(out.tv_sec)(ticks / 10000000);
    out.tv_nsec = decltype(out.tv_nsec)(ticks % 10000000 * 100);
    return out;
}

inline FILETIME to_filetime(const fuse_timespec& time)
{
    const INT64 ticks = INT64(time.tv_sec) * 10000000 + time.tv_nsec / 100 + unix_epoch;
    return {DWORD(ticks), DWORD(ticks >> 32)};
}

/// What is the same in all structures in which Windows tells of a file.
template<class Information> void put_stat(const Information& from, struct fuse_stat* out)
{
    const bool directory = (from.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    out->st_mode = directory ? directory_type | 0777 : file_type | 0777;
    if (from.dwFileAttributes & FILE_ATTRIBUTE_READONLY)
        out->st_mode &= ~0222u;
    out->st_nlink = 1;
    out->st_size = directory ? 0 : fuse_off_t(from.nFileSizeHigh) << 32 | from.nFileSizeLow;
    out->st_atim = to_timespec(from.ftLastAccessTime);
    out->st_mtim = out->st_ctim = to_timespec(from.ftLastWriteTime);
    out->st_birthtim = to_timespec(from.ftCreationTime);
    // Nobody in particular: the user who runs this program does it all.
    const fuse_context* context = fuse_get_context();
    out->st_uid = context->uid;
    out->st_gid = context->gid;
}

inline int getattr(const char* path, struct fuse_stat* out, fuse_file_info* fi)
{
    BY_HANDLE_FILE_INFORMATION information;
    const File own(fi ? INVALID_HANDLE_VALUE : File(real(path), FILE_READ_ATTRIBUTES).release());
    if (!fi && !own)
        return failure();
    if (!GetFileInformationByHandle(fi ? handle_of(fi) : own.get(), &information))
        return failure();
    put_stat(information, out);
    out->st_ino = fuse_ino_t(information.nFileIndexHigh) << 32 | information.nFileIndexLow;
    return 0;
}

inline int mkdir(const char* path, fuse_mode_t)
{
    return outcome(CreateDirectoryW(real(path).c_str(), nullptr));
}
inline int unlink(const char* path) { return outcome(DeleteFileW(real(path).c_str())); }
inline int rmdir(const char* path) { return outcome(RemoveDirectoryW(real(path).c_str())); }
inline int rename(const char* from, const char* to, unsigned flags)
{
    return flags != 0 ? -EINVAL
                      : outcome(MoveFileExW(real(from).c_str(), real(to).c_str(), MOVEFILE_REPLACE_EXISTING));
}

/// Owners and modes are what getattr says: a change of them is accepted and nothing more.
inline int chmod(const char*, fuse_mode_t, fuse_file_info*) { return 0; }
inline int chown(const char*, fuse_uid_t, fuse_gid_t, fuse_file_info*) { return 0; }

inline int truncate(const char* path, fuse_off_t size, fuse_file_info* fi)
{
    const File own(fi ? INVALID_HANDLE_VALUE : File(real(path), GENERIC_WRITE).release());
    if (!fi && !own)
        return failure();
    FILE_END_OF_FILE_INFO end;
    end.EndOfFile.QuadPart = size;
    return outcome(
        SetFileInformationByHandle(fi ? handle_of(fi) : own.get(), FileEndOfFileInfo, &end, sizeof end));
}

inline int utimens(const char* path, const struct fuse_timespec times[2], fuse_file_info*)
{
    const File file(real(path), FILE_WRITE_ATTRIBUTES);
    const FILETIME accessed = to_filetime(times[0]), written = to_filetime(times[1]);
    return file ? outcome(SetFileTime(file.get(), nullptr, &accessed, &written)) : failure();
}

inline int open_as(const char* path, fuse_file_info* fi, DWORD disposition)
{
    const int mode = fi->flags & access_mask;
    const DWORD access = mode == read_write   ? GENERIC_READ | GENERIC_WRITE
                         : mode == write_only ? GENERIC_WRITE | FILE_READ_ATTRIBUTES
                                              : GENERIC_READ;
    File file(CreateFileW(real(path).c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                          nullptr, disposition, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
    if (!file)
        return failure();
    fi->fh = reinterpret_cast<UINT_PTR>(file.release());
    return 0;
}
inline int open(const char* path, fuse_file_info* fi) { return open_as(path, fi, OPEN_EXISTING); }
inline int create(const char* path, fuse_mode_t, fuse_file_info* fi) { return open_as(path, fi, CREATE_NEW); }
inline int release(const char*, fuse_file_info* fi) { return outcome(CloseHandle(handle_of(fi))); }
inline int fsync(const char*, int, fuse_file_info* fi) { return outcome(FlushFileBuffers(handle_of(fi))); }

/// Where in the file a ReadFile or WriteFile goes.
inline OVERLAPPED at(fuse_off_t offset)
{
    OVERLAPPED overlapped{};
    overlapped.Offset = DWORD(offset);
    overlapped.OffsetHigh = DWORD(offset >> 32);
    return overlapped;
}

inline int read(const char*, char* out, size_t size, fuse_off_t offset, fuse_file_info* fi)
{
    OVERLAPPED where = at(offset);
    DWORD done = 0;
    if (ReadFile(handle_of(fi), out, DWORD(size), &done, &where))
        return int(done);
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : failure();
}
inline int write(const char*, const char* data, size_t size, fuse_off_t offset, fuse_file_info* fi)
{
    OVERLAPPED where = at(offset);
    DWORD done = 0;
    return WriteFile(handle_of(fi), data, DWORD(size), &done, &where) ? int(done) : failure();
}

/// Calls fill(name, attributes) for each file.
template<class Fill> int readdir(const char* path, Fill fill)
{
    WIN32_FIND_DATAW found;
    const HANDLE search = FindFirstFileW((real(path) + L"\\*").c_str(), &found);
    if (search == INVALID_HANDLE_VALUE)
        return failure();
    do {
        struct fuse_stat info = {};
        put_stat(found, &info);
        std::wstring name = found.cFileName;
        for (wchar_t& c : name)
            if (c > 0xF000 && c < 0xF080 && (c < 0xF020 || std::wcschr(L"\"*:<>?\\|", c & 0xFF)))
                c &= 0xFF;
        if (!fill(narrow(name.c_str()).c_str(), &info))
            break;
    } while (FindNextFileW(search, &found));
    FindClose(search);
    return 0;
}

inline int statfs(const char*, struct fuse_statvfs* out)
{
    ULARGE_INTEGER available, total, all_free;
    if (!GetDiskFreeSpaceExW((root() + L"\\").c_str(), &available, &total, &all_free))
        return failure();
    out->f_bsize = out->f_frsize = 4096;
    out->f_blocks = fuse_fsblkcnt_t(total.QuadPart / 4096);
    out->f_bfree = out->f_bavail = fuse_fsblkcnt_t(available.QuadPart / 4096);
    out->f_namemax = 255;
    return 0;
}

/// What both tables have alike.
template<class Operations> Operations common_operations()
{
    Operations on{};
    on.mkdir = mkdir;
    on.unlink = unlink;
    on.rmdir = rmdir;
    on.open = open;
    on.create = create;
    on.release = release;
    on.fsync = fsync;
    on.read = read;
    on.write = write;
    on.statfs = statfs;
    return on;
}

/// Of --UNC=\name\X$[\path] and --VolumePrefix= the directory X:[\path]; empty if it has another form.
inline std::wstring root_of_prefix(const char* argument)
{
    for (const char* option : {"--UNC=", "--VolumePrefix="}) {
        if (std::strncmp(argument, option, std::strlen(option)) != 0)
            continue;
        const std::wstring prefix = widen(argument + std::strlen(option));
        const size_t share = prefix.find(L'\\', 1);
        if (prefix.empty() || prefix[0] != L'\\' || share == prefix.npos || prefix.size() < share + 3 ||
            (prefix[share + 1] | 0x20) < L'a' || (prefix[share + 1] | 0x20) > L'z' ||
            prefix[share + 2] != L'$' || (prefix.size() > share + 3 && prefix[share + 3] != L'\\'))
            return {};
        return prefix[share + 1] + (L":" + prefix.substr(share + 3));
    }
    return {};
}

/// Takes the root directory off the command line: of "... ROOTDIR MOUNTPOINT" it is the one before the last;
/// else it is in the prefix of the volume.
inline bool take_root(int* argc, char* argv[])
{
    std::wstring given;
    if (*argc >= 3 && argv[*argc - 2][0] != '-' && argv[*argc - 1][0] != '-') {
        given = widen(argv[*argc - 2]);
        argv[*argc - 2] = argv[*argc - 1];
        argv[--*argc] = nullptr;
    } else
        for (int i = 1; i < *argc && given.empty(); ++i)
            given = root_of_prefix(argv[i]);
    wchar_t path[MAX_PATH];
    const DWORD length = given.empty() ? 0 : GetFullPathNameW(given.c_str(), MAX_PATH, path, nullptr);
    if (length == 0 || length >= MAX_PATH) {
        std::fprintf(stderr, "usage: %s [FUSE options] rootdir mountpoint\n", argv[0]);
        return false;
    }
    root() = path;
    while (!root().empty() && root().back() == L'\\')
        root().pop_back();
    return true;
}

} // namespace passthrough
