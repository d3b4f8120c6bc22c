// SPDX-License-Identifier: MIT
#include "nt/errno_map.h"

#include <cerrno>

#include "nt/win32_status.h"

namespace fsp::nt {

NTSTATUS status_of_errno(int error)
{
    switch (error) {
    case 0:
        return STATUS_SUCCESS;
    case EPERM:
    case EACCES:
        return STATUS_ACCESS_DENIED;
    case ENOENT:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    case ESRCH:
        return STATUS_INVALID_CID;
    case EINTR:
    case ECANCELED:
        return STATUS_CANCELLED;
    case EIO:
        return STATUS_IO_DEVICE_ERROR;
    case ENXIO:
    case ENODEV:
        return STATUS_NO_SUCH_DEVICE;
    case E2BIG:
    case EMSGSIZE:
        return STATUS_INVALID_BUFFER_SIZE;
    case EBADF:
        return STATUS_INVALID_HANDLE;
    case EAGAIN:
        return STATUS_RETRY;
    case ENOMEM:
    case ENOBUFS:
        return STATUS_INSUFFICIENT_RESOURCES;
    case EFAULT:
        return STATUS_ACCESS_VIOLATION;
    case EBUSY:
        return STATUS_DEVICE_BUSY;
    case ETXTBSY:
        return STATUS_SHARING_VIOLATION;
    case EEXIST:
        return STATUS_OBJECT_NAME_COLLISION;
    case EXDEV:
        return STATUS_NOT_SAME_DEVICE;
    case ENOTDIR:
        return STATUS_NOT_A_DIRECTORY;
    case EISDIR:
        return STATUS_FILE_IS_A_DIRECTORY;
    case EINVAL:
    case EDOM:
        return STATUS_INVALID_PARAMETER;
    case ENFILE:
    case EMFILE:
        return STATUS_TOO_MANY_OPENED_FILES;
    case ENOTTY:
        return STATUS_INVALID_DEVICE_REQUEST;
    case EFBIG:
        return STATUS_FILE_TOO_LARGE;
    case ENOSPC:
        return STATUS_DISK_FULL;
    case EDQUOT:
        return STATUS_QUOTA_EXCEEDED;
    case ESPIPE:
        return STATUS_INVALID_PARAMETER;
    case EROFS:
        return STATUS_MEDIA_WRITE_PROTECTED;
    case EMLINK:
        return STATUS_TOO_MANY_LINKS;
    case EPIPE:
        return STATUS_PIPE_BROKEN;
    case ERANGE:
        return STATUS_BUFFER_TOO_SMALL;
    case EDEADLK:
        return STATUS_POSSIBLE_DEADLOCK;
    case ENAMETOOLONG:
        return STATUS_NAME_TOO_LONG;
    case ENOLCK:
        return STATUS_LOCK_NOT_GRANTED;
    case ENOSYS:
        return STATUS_NOT_IMPLEMENTED;
    case ENOTEMPTY:
        return STATUS_DIRECTORY_NOT_EMPTY;
    case ELOOP:
        return STATUS_REPARSE_POINT_NOT_RESOLVED;
    case ENODATA:
        return STATUS_NONEXISTENT_EA_ENTRY;
    case EOVERFLOW:
        return STATUS_INTEGER_OVERFLOW;
    case EILSEQ:
        return STATUS_OBJECT_NAME_INVALID;
    case EOPNOTSUPP:
#if ENOTSUP != EOPNOTSUPP
    case ENOTSUP:
#endif
        return STATUS_NOT_SUPPORTED;
    case ETIMEDOUT:
        return STATUS_IO_TIMEOUT;
    case ECONNREFUSED:
        return STATUS_CONNECTION_REFUSED;
    case ECONNRESET:
        return STATUS_CONNECTION_RESET;
    case ECONNABORTED:
        return STATUS_CONNECTION_ABORTED;
    case ENOTCONN:
        return STATUS_CONNECTION_DISCONNECTED;
    case EHOSTUNREACH:
        return STATUS_HOST_UNREACHABLE;
    case ENETUNREACH:
        return STATUS_NETWORK_UNREACHABLE;
    case EADDRINUSE:
        return STATUS_ADDRESS_ALREADY_EXISTS;
    case EPROTO:
        return STATUS_INVALID_NETWORK_RESPONSE;
    case EALREADY:
    case EINPROGRESS:
        return STATUS_DEVICE_BUSY;
    case ESTALE:
        return STATUS_FILE_INVALID;
    case ENOMEDIUM:
        return STATUS_NO_MEDIA_IN_DEVICE;
    default:
        return STATUS_UNSUCCESSFUL;
    }
}

namespace {

/// Statuses whose meaning in POSIX differs from what their Win32 error would suggest.
int specific_errno(NTSTATUS status)
{
    switch (status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
    case STATUS_OBJECT_PATH_NOT_FOUND:
    case STATUS_NO_SUCH_FILE:
    case STATUS_NOT_FOUND:
    case STATUS_DELETE_PENDING: // the name is gone for everybody who looks
    case STATUS_FILE_DELETED:
    case STATUS_OBJECT_PATH_INVALID:
    case STATUS_NO_MORE_FILES:
        return ENOENT;
    case STATUS_OBJECT_NAME_INVALID:
    case STATUS_OBJECT_PATH_SYNTAX_BAD:
        return EINVAL;
    case STATUS_OBJECT_NAME_COLLISION:
        return EEXIST;
    case STATUS_NOT_A_DIRECTORY:
        return ENOTDIR;
    case STATUS_FILE_IS_A_DIRECTORY:
        return EISDIR;
    case STATUS_DIRECTORY_NOT_EMPTY:
        return ENOTEMPTY;
    case STATUS_ACCESS_DENIED:
    case STATUS_NETWORK_ACCESS_DENIED:
        return EACCES;
    case STATUS_CANNOT_DELETE:
    case STATUS_PRIVILEGE_NOT_HELD:
    case STATUS_INVALID_OWNER:
    case STATUS_INVALID_PRIMARY_GROUP:
        return EPERM;
    case STATUS_SHARING_VIOLATION:
    case STATUS_USER_MAPPED_FILE:
    case STATUS_DEVICE_BUSY:
    case STATUS_CANNOT_BREAK_OPLOCK:
    case STATUS_FILES_OPEN:
        return EBUSY;
    case STATUS_FILE_LOCK_CONFLICT:
    case STATUS_LOCK_NOT_GRANTED:
    case STATUS_RETRY:
    case STATUS_CANT_WAIT:
    case STATUS_OPLOCK_NOT_GRANTED:
        return EAGAIN;
    case STATUS_RANGE_NOT_LOCKED:
    case STATUS_INVALID_LOCK_RANGE:
        return EINVAL;
    case STATUS_DISK_FULL:
    case STATUS_CANNOT_MAKE: // no room for another name
        return ENOSPC;
    case STATUS_QUOTA_EXCEEDED:
    case STATUS_DISK_QUOTA_EXCEEDED:
        return EDQUOT;
    case STATUS_FILE_TOO_LARGE:
        return EFBIG;
    case STATUS_MEDIA_WRITE_PROTECTED:
        return EROFS;
    case STATUS_TOO_MANY_LINKS:
        return EMLINK;
    case STATUS_TOO_MANY_OPENED_FILES:
        return EMFILE;
    case STATUS_NOT_SAME_DEVICE:
        return EXDEV;
    case STATUS_NAME_TOO_LONG:
        return ENAMETOOLONG;
    case STATUS_NOT_IMPLEMENTED:
        return ENOSYS;
    case STATUS_INVALID_DEVICE_REQUEST:
    case STATUS_NOT_SUPPORTED:
    case STATUS_EAS_NOT_SUPPORTED:
    case STATUS_CTL_FILE_NOT_SUPPORTED:
        return EOPNOTSUPP;
    case STATUS_INVALID_PARAMETER:
    case STATUS_INVALID_PARAMETER_MIX:
    case STATUS_INVALID_INFO_CLASS:
    case STATUS_INFO_LENGTH_MISMATCH:
    case STATUS_INVALID_USER_BUFFER:
    case STATUS_NOT_A_REPARSE_POINT: // as readlink answers
    case STATUS_IO_REPARSE_DATA_INVALID:
    case STATUS_IO_REPARSE_TAG_INVALID:
    case STATUS_INVALID_EA_NAME:
    case STATUS_INVALID_SECURITY_DESCR:
    case STATUS_INVALID_ACL:
    case STATUS_INVALID_SID:
        return EINVAL;
    case STATUS_IO_REPARSE_TAG_NOT_HANDLED:
        return EOPNOTSUPP;
    case STATUS_REPARSE_POINT_NOT_RESOLVED:
    case STATUS_STOPPED_ON_SYMLINK:
        return ELOOP;
    case STATUS_REPARSE_ATTRIBUTE_CONFLICT:
    case STATUS_IO_REPARSE_TAG_MISMATCH:
        return EEXIST;
    case STATUS_NO_EAS_ON_FILE:
    case STATUS_NONEXISTENT_EA_ENTRY:
    case STATUS_NO_MORE_EAS:
        return ENODATA;
    case STATUS_EA_TOO_LARGE:
    case STATUS_EA_LIST_INCONSISTENT:
        return ENOSPC; // as file systems answer when attributes do not fit
    case STATUS_BUFFER_OVERFLOW:
    case STATUS_BUFFER_TOO_SMALL:
        return ERANGE;
    case STATUS_INVALID_HANDLE:
    case STATUS_FILE_CLOSED:
    case STATUS_OBJECT_TYPE_MISMATCH:
        return EBADF;
    case STATUS_NO_MEMORY:
    case STATUS_INSUFFICIENT_RESOURCES:
    case STATUS_COMMITMENT_LIMIT:
        return ENOMEM;
    case STATUS_ACCESS_VIOLATION:
        return EFAULT;
    case STATUS_CANCELLED:
    case STATUS_REQUEST_ABORTED:
        return EINTR;
    case STATUS_IO_TIMEOUT:
        return ETIMEDOUT;
    case STATUS_PIPE_BROKEN:
    case STATUS_PIPE_DISCONNECTED:
    case STATUS_PIPE_CLOSING:
        return EPIPE;
    case STATUS_POSSIBLE_DEADLOCK:
        return EDEADLK;
    case STATUS_INTEGER_OVERFLOW:
        return EOVERFLOW;
    case STATUS_NO_SUCH_DEVICE:
    case STATUS_DEVICE_NOT_READY:
    case STATUS_DEVICE_DOES_NOT_EXIST:
    case STATUS_DEVICE_REMOVED:
    case STATUS_DEVICE_NOT_CONNECTED:
        return ENODEV;
    case STATUS_VOLUME_DISMOUNTED: // also what a stopped file system answers
        return ENOTCONN;
    case STATUS_FILE_INVALID:
        return ESTALE;
    case STATUS_NO_MEDIA_IN_DEVICE:
        return ENOMEDIUM;
    case STATUS_CONNECTION_REFUSED:
        return ECONNREFUSED;
    case STATUS_CONNECTION_RESET:
        return ECONNRESET;
    case STATUS_CONNECTION_ABORTED:
        return ECONNABORTED;
    case STATUS_CONNECTION_DISCONNECTED:
        return ENOTCONN;
    case STATUS_HOST_UNREACHABLE:
        return EHOSTUNREACH;
    case STATUS_NETWORK_UNREACHABLE:
    case STATUS_BAD_NETWORK_PATH:
    case STATUS_BAD_NETWORK_NAME:
        return ENETUNREACH;
    case STATUS_ADDRESS_ALREADY_EXISTS:
        return EADDRINUSE;
    case STATUS_INVALID_NETWORK_RESPONSE:
        return EPROTO;
    case STATUS_END_OF_FILE:
        return 0; // reading at the end yields nothing, and no error
    case STATUS_UNSUCCESSFUL:
    case STATUS_IO_DEVICE_ERROR:
    case STATUS_FILE_CORRUPT_ERROR:
    case STATUS_DISK_CORRUPT_ERROR:
    case STATUS_CRC_ERROR:
    case STATUS_DATA_ERROR:
        return EIO;
    case STATUS_INVALID_CID:
        return ESRCH;
    case STATUS_INVALID_BUFFER_SIZE:
        return E2BIG;
    default:
        return -1;
    }
}

/// The rest by its Win32 error, which groups kindred statuses.
int errno_of_win32(UINT32 error)
{
    switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return ENOENT;
    case ERROR_ACCESS_DENIED:
        return EACCES;
    case ERROR_INVALID_HANDLE:
        return EBADF;
    case ERROR_NOT_ENOUGH_MEMORY:
    case 1450: // ERROR_NO_SYSTEM_RESOURCES
        return ENOMEM;
    case ERROR_INVALID_FUNCTION:
    case 50: // ERROR_NOT_SUPPORTED
        return EOPNOTSUPP;
    case 87:  // ERROR_INVALID_PARAMETER
    case 123: // ERROR_INVALID_NAME
    case 161: // ERROR_BAD_PATHNAME
        return EINVAL;
    case 1314: // ERROR_PRIVILEGE_NOT_HELD
        return EPERM;
    case 170: // ERROR_BUSY
        return EBUSY;
    case 206: // ERROR_FILENAME_EXCED_RANGE
        return ENAMETOOLONG;
    default:
        return EIO;
    }
}

} // namespace

int errno_of_status(NTSTATUS status)
{
    if (NT_SUCCESS(status))
        return 0;
    const int specific = specific_errno(status);
    return specific >= 0 ? specific : errno_of_win32(win32_of_status(status));
}

} // namespace fsp::nt
