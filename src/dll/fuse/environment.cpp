// SPDX-License-Identifier: MIT
#include "dll/fuse/environment.h"

#include "fuse/fuse_common.h"

namespace fsp::winfuse {
namespace {

struct ErrorRow
{
    UINT8 native;
    UINT8 cygwin;
    NTSTATUS status;
};

// Neither sorted nor complete by accident: EAGAIN, ENOTSUP and others that programs return for want of a
// better one have no row and are STATUS_ACCESS_DENIED.
constexpr ErrorRow rows[] = {
    {1, 1, STATUS_ACCESS_DENIED},                  // EPERM
    {2, 2, STATUS_OBJECT_NAME_NOT_FOUND},          // ENOENT
    {3, 3, STATUS_PROCEDURE_NOT_FOUND},            // ESRCH
    {4, 4, STATUS_CANCELLED},                      // EINTR
    {5, 5, STATUS_IO_DEVICE_ERROR},                // EIO
    {6, 6, STATUS_FILE_INVALID},                   // ENXIO
    {7, 7, STATUS_INSUFFICIENT_RESOURCES},         // E2BIG
    {8, 8, STATUS_INVALID_IMAGE_FORMAT},           // ENOEXEC
    {9, 9, STATUS_INVALID_HANDLE},                 // EBADF
    {12, 12, STATUS_INSUFFICIENT_RESOURCES},       // ENOMEM
    {13, 13, STATUS_ACCESS_DENIED},                // EACCES
    {14, 14, STATUS_ACCESS_VIOLATION},             // EFAULT
    {16, 16, STATUS_DEVICE_BUSY},                  // EBUSY
    {17, 17, STATUS_OBJECT_NAME_COLLISION},        // EEXIST
    {18, 18, STATUS_NOT_SAME_DEVICE},              // EXDEV
    {19, 19, STATUS_NO_SUCH_DEVICE},               // ENODEV
    {20, 20, STATUS_NOT_A_DIRECTORY},              // ENOTDIR
    {21, 21, STATUS_FILE_IS_A_DIRECTORY},          // EISDIR
    {22, 22, STATUS_INVALID_PARAMETER},            // EINVAL
    {23, 23, STATUS_TOO_MANY_OPENED_FILES},        // ENFILE
    {24, 24, STATUS_TOO_MANY_OPENED_FILES},        // EMFILE
    {27, 27, STATUS_DISK_FULL},                    // EFBIG
    {28, 28, STATUS_DISK_FULL},                    // ENOSPC
    {29, 29, STATUS_INVALID_PARAMETER},            // ESPIPE
    {30, 30, STATUS_MEDIA_WRITE_PROTECTED},        // EROFS
    {31, 31, STATUS_TOO_MANY_LINKS},               // EMLINK
    {32, 32, STATUS_PIPE_BROKEN},                  // EPIPE
    {33, 33, STATUS_INVALID_PARAMETER},            // EDOM
    {34, 34, STATUS_INVALID_PARAMETER},            // ERANGE
    {36, 45, STATUS_POSSIBLE_DEADLOCK},            // EDEADLK
    {38, 91, STATUS_NAME_TOO_LONG},                // ENAMETOOLONG
    {39, 46, STATUS_LOCK_NOT_GRANTED},             // ENOLCK
    {40, 88, STATUS_INVALID_DEVICE_REQUEST},       // ENOSYS
    {41, 90, STATUS_DIRECTORY_NOT_EMPTY},          // ENOTEMPTY
    {42, 138, STATUS_INVALID_PARAMETER},           // EILSEQ
    {100, 112, STATUS_ADDRESS_ALREADY_ASSOCIATED}, // EADDRINUSE
    {103, 120, STATUS_CONNECTION_ACTIVE},          // EALREADY
    {105, 140, STATUS_CANCELLED},                  // ECANCELED
    {106, 113, STATUS_CONNECTION_ABORTED},         // ECONNABORTED
    {107, 111, STATUS_CONNECTION_REFUSED},         // ECONNREFUSED
    {108, 104, STATUS_CONNECTION_RESET},           // ECONNRESET
    {110, 118, STATUS_HOST_UNREACHABLE},           // EHOSTUNREACH
    {113, 127, STATUS_CONNECTION_ACTIVE},          // EISCONN
    {114, 92, STATUS_REPARSE_POINT_NOT_RESOLVED},  // ELOOP
    {116, 115, static_cast<NTSTATUS>(0xC0000350)}, // ENETDOWN: STATUS_HOST_DOWN
    {117, 126, STATUS_CONNECTION_RESET},           // ENETRESET
    {118, 114, STATUS_NETWORK_UNREACHABLE},        // ENETUNREACH
    {119, 105, STATUS_INSUFFICIENT_RESOURCES},     // ENOBUFS
    {120, 61, STATUS_END_OF_FILE},                 // ENODATA
    {121, 67, STATUS_CONNECTION_INVALID},          // ENOLINK
    {126, 128, STATUS_CONNECTION_INVALID},         // ENOTCONN
    {128, 108, STATUS_INVALID_HANDLE},             // ENOTSOCK
    {138, 116, STATUS_TRANSACTION_TIMED_OUT},      // ETIMEDOUT
};

} // namespace

void* allocate(const Env& env, size_t size)
{
    void* memory = env.memalloc(size);
    return memory != nullptr ? std::memset(memory, 0, size) : nullptr;
}

char* duplicate(const Env& env, std::string_view text)
{
    auto* copy = static_cast<char*>(env.memalloc(text.size() + 1));
    if (copy != nullptr) {
        std::memcpy(copy, text.data(), text.size());
        copy[text.size()] = 0;
    }
    return copy;
}

NTSTATUS status_of(const Env& env, int result)
{
    const unsigned error = result < 0 ? 0u - static_cast<unsigned>(result) : static_cast<unsigned>(result);
    if (error == 0)
        return STATUS_SUCCESS;
    const bool cygwin = is_cygwin(env);
    for (const ErrorRow& row : rows)
        if ((cygwin ? row.cygwin : row.native) == error)
            return row.status;
    return STATUS_ACCESS_DENIED;
}

} // namespace fsp::winfuse

int32_t fsp_fuse_ntstatus_from_errno(struct fsp_fuse_env* env, int err)
{
    return fsp::winfuse::status_of(*env, err);
}
