// SPDX-License-Identifier: MIT
#include "nt/win32_status.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "nt/rtl.h"

namespace fsp::nt {

namespace {

struct Pair
{
    UINT32 from;
    UINT32 to;
};

constexpr bool by_from(const Pair& a, const Pair& b) { return a.from < b.from; }

constexpr Pair status_by_error[] = {
#include "win32_status_table.inc"
};
static_assert(std::is_sorted(std::begin(status_by_error), std::end(status_by_error), by_from));

constexpr Pair pair(NTSTATUS status, UINT32 error) { return {static_cast<UINT32>(status), error}; }

/// Statuses that share an error with the one that the error is translated back to.
constexpr Pair further_errors[] = {
    pair(STATUS_TIMEOUT, 1460),
    pair(STATUS_USER_APC, 737),
    pair(STATUS_ALERTED, 739),
    pair(STATUS_REPARSE, 741),
    pair(STATUS_NOTIFY_CLEANUP, 745),
    pair(STATUS_BUFFER_ALL_ZEROS, 754),
    pair(STATUS_NO_MORE_EAS, 259),
    pair(STATUS_DEVICE_BUSY, 170),
    pair(STATUS_DATATYPE_MISALIGNMENT, 998),
    pair(STATUS_NO_MORE_ENTRIES, 259),
    pair(STATUS_STOPPED_ON_SYMLINK, 681),
    pair(STATUS_INVALID_INFO_CLASS, 87),
    pair(STATUS_INVALID_CID, 87),
    pair(STATUS_NO_SUCH_DEVICE, 2),
    pair(STATUS_NO_SUCH_FILE, 2),
    pair(STATUS_INVALID_DEVICE_REQUEST, 1),
    pair(STATUS_WRONG_VOLUME, 34),
    pair(STATUS_NO_MEDIA_IN_DEVICE, 1112),
    pair(STATUS_UNRECOGNIZED_MEDIA, 1785),
    pair(STATUS_NONEXISTENT_SECTOR, 27),
    pair(STATUS_MORE_PROCESSING_REQUIRED, 234),
    pair(STATUS_CONFLICTING_ADDRESSES, 487),
    pair(STATUS_NOT_MAPPED_VIEW, 487),
    pair(STATUS_UNABLE_TO_FREE_VM, 87),
    pair(STATUS_UNABLE_TO_DELETE_SECTION, 87),
    pair(STATUS_ILLEGAL_INSTRUCTION, 0xC000001D),
    pair(STATUS_INVALID_VIEW_SIZE, 5),
    pair(STATUS_INVALID_FILE_FOR_SECTION, 193),
    pair(STATUS_ALREADY_COMMITTED, 5),
    pair(STATUS_BUFFER_TOO_SMALL, 122),
    pair(STATUS_OBJECT_TYPE_MISMATCH, 6),
    pair(STATUS_INVALID_UNWIND_TARGET, 540),
    pair(STATUS_INVALID_PARAMETER_MIX, 87),
    pair(STATUS_OBJECT_NAME_INVALID, 123),
    pair(STATUS_OBJECT_NAME_NOT_FOUND, 2),
    pair(STATUS_OBJECT_NAME_COLLISION, 183),
    pair(STATUS_PORT_DISCONNECTED, 6),
    pair(STATUS_OBJECT_PATH_INVALID, 161),
    pair(STATUS_OBJECT_PATH_NOT_FOUND, 3),
    pair(STATUS_OBJECT_PATH_SYNTAX_BAD, 161),
    pair(STATUS_DATA_OVERRUN, 1117),
    pair(STATUS_DATA_LATE_ERROR, 1117),
    pair(STATUS_DATA_ERROR, 23),
    pair(STATUS_CRC_ERROR, 23),
    pair(STATUS_SECTION_TOO_BIG, 8),
    pair(STATUS_PORT_CONNECTION_REFUSED, 5),
    pair(STATUS_INVALID_PORT_HANDLE, 6),
    pair(STATUS_SHARING_VIOLATION, 32),
    pair(STATUS_QUOTA_EXCEEDED, 1816),
    pair(STATUS_INVALID_PAGE_PROTECTION, 87),
    pair(STATUS_MUTANT_NOT_OWNED, 288),
    pair(STATUS_SECTION_PROTECTION, 87),
    pair(STATUS_EAS_NOT_SUPPORTED, 282),
    pair(STATUS_EA_TOO_LARGE, 255),
    pair(STATUS_NONEXISTENT_EA_ENTRY, 255),
    pair(STATUS_NO_EAS_ON_FILE, 255),
    pair(STATUS_EA_CORRUPT_ERROR, 1392),
    pair(STATUS_INVALID_EA_NAME, 254),
    pair(STATUS_EA_LIST_INCONSISTENT, 255),
    pair(STATUS_INVALID_EA_FLAG, 255),
    pair(STATUS_FILE_LOCK_CONFLICT, 33),
    pair(STATUS_LOCK_NOT_GRANTED, 33),
    pair(STATUS_DELETE_PENDING, 5),
    pair(STATUS_CTL_FILE_NOT_SUPPORTED, 50),
    pair(STATUS_UNKNOWN_REVISION, 1305),
    pair(STATUS_DISK_FULL, 112),
    pair(STATUS_FILE_INVALID, 1006),
    pair(STATUS_ALLOTTED_SPACE_EXCEEDED, 1344),
    pair(STATUS_INSUFFICIENT_RESOURCES, 1450),
    pair(STATUS_WORKING_SET_QUOTA, 1453),
    pair(STATUS_DEVICE_POWER_FAILURE, 21),
    pair(STATUS_DEVICE_NOT_CONNECTED, 1167),
    pair(STATUS_DEVICE_DATA_ERROR, 23),
    pair(STATUS_DEVICE_NOT_READY, 21),
    pair(STATUS_IO_TIMEOUT, 121),
    pair(STATUS_FILE_FORCED_CLOSED, 38),
    pair(STATUS_PIPE_NOT_AVAILABLE, 231),
    pair(STATUS_PIPE_BUSY, 231),
    pair(STATUS_INSTANCE_NOT_AVAILABLE, 231),
    pair(STATUS_PIPE_DISCONNECTED, 233),
    pair(STATUS_PIPE_CLOSING, 232),
    pair(STATUS_PIPE_EMPTY, 232),
    pair(STATUS_PIPE_BROKEN, 109),
    pair(STATUS_PIPE_CONNECTED, 535),
    pair(STATUS_PIPE_LISTENING, 536),
    pair(STATUS_INVALID_PIPE_STATE, 230),
    pair(STATUS_INVALID_READ_MODE, 230),
    pair(STATUS_PROFILING_NOT_STARTED, 550),
    pair(STATUS_COULD_NOT_INTERPRET, 552),
    pair(STATUS_FILE_IS_A_DIRECTORY, 5),
    pair(STATUS_NOT_SUPPORTED, 50),
    pair(STATUS_BAD_NETWORK_PATH, 53),
    pair(STATUS_NETWORK_BUSY, 54),
    pair(STATUS_NETWORK_ACCESS_DENIED, 65),
    pair(STATUS_BAD_NETWORK_NAME, 67),
    pair(STATUS_NOT_SAME_DEVICE, 17),
    pair(STATUS_FILE_RENAMED, 829),
    pair(STATUS_DIRECTORY_NOT_EMPTY, 145),
    pair(STATUS_NOT_A_DIRECTORY, 267),
    pair(STATUS_NAME_TOO_LONG, 206),
    pair(STATUS_FILES_OPEN, 2401),
    pair(STATUS_CANNOT_DELETE, 5),
    pair(STATUS_FILE_DELETED, 5),
    pair(STATUS_FILE_CLOSED, 6),
    pair(STATUS_THREAD_NOT_IN_PROCESS, 87),
    pair(STATUS_TOO_MANY_PAGING_FILES, 8),
    pair(STATUS_COMMITMENT_LIMIT, 1455),
    pair(STATUS_TOO_MANY_COMMANDS, 56),
    pair(STATUS_INVALID_HANDLE, 6),
    pair(STATUS_PROCESS_IS_TERMINATING, 5),
    pair(STATUS_THREAD_IS_TERMINATING, 5),
    pair(STATUS_PRIVILEGE_NOT_HELD, 1314),
    pair(STATUS_NO_MEMORY, 8),
    pair(STATUS_PROCEDURE_NOT_FOUND, 127),
    pair(STATUS_ORDINAL_NOT_FOUND, 182),
    pair(STATUS_ENTRYPOINT_NOT_FOUND, 127),
    pair(STATUS_DLL_NOT_FOUND, 126),
    pair(STATUS_CONNECTION_INVALID, 1229),
    pair(STATUS_REDIRECTOR_NOT_STARTED, 2138),
    pair(STATUS_FILE_CORRUPT_ERROR, 1392),
    pair(STATUS_DISK_CORRUPT_ERROR, 1393),
    pair(STATUS_NOT_A_REPARSE_POINT, 4390),
    pair(STATUS_IO_REPARSE_TAG_INVALID, 4393),
    pair(STATUS_IO_REPARSE_TAG_MISMATCH, 4394),
    pair(STATUS_IO_REPARSE_DATA_INVALID, 4392),
    pair(STATUS_IO_REPARSE_TAG_NOT_HANDLED, 1920),
    pair(STATUS_REPARSE_POINT_NOT_RESOLVED, 1921),
    pair(STATUS_REPARSE_ATTRIBUTE_CONFLICT, 4391),
    pair(STATUS_VOLUME_DISMOUNTED, 1006),
    pair(STATUS_OPLOCK_NOT_GRANTED, 300),
    pair(STATUS_INVALID_OPLOCK_PROTOCOL, 301),
    pair(STATUS_CANNOT_BREAK_OPLOCK, 802),
    pair(STATUS_CANT_WAIT, 554),
    pair(STATUS_CANCELLED, 995),
    pair(STATUS_NOT_FOUND, 1168),
    pair(STATUS_RETRY, 1237),
    pair(STATUS_VIRUS_INFECTED, 225),
    pair(STATUS_VIRUS_DELETED, 226),
    pair(STATUS_UNSUCCESSFUL, 31),
    pair(STATUS_RANGE_NOT_LOCKED, 158),
    pair(STATUS_INVALID_LOCK_RANGE, 307),
    pair(STATUS_INVALID_BLOCK_LENGTH, 1106),
    pair(STATUS_INVALID_OWNER, 1307),
    pair(STATUS_NO_SECURITY_ON_OBJECT, 1350),
    pair(STATUS_BAD_IMPERSONATION_LEVEL, 1346),
    pair(STATUS_TOO_MANY_OPENED_FILES, 4),
    pair(STATUS_TOO_MANY_LINKS, 1142),
    pair(STATUS_FILE_NOT_AVAILABLE, 1159),
    pair(STATUS_UNEXPECTED_NETWORK_ERROR, 59),
    pair(STATUS_UNEXPECTED_IO_ERROR, 1117),
    pair(STATUS_LOCAL_DISCONNECT, 64),
    pair(STATUS_REMOTE_DISCONNECT, 64),
    pair(STATUS_LINK_FAILED, 64),
    pair(STATUS_LINK_TIMEOUT, 64),
    pair(STATUS_ADDRESS_CLOSED, 64),
    pair(STATUS_REMOTE_NOT_LISTENING, 51),
    pair(STATUS_NOT_IMPLEMENTED, 1),
    pair(STATUS_REQUEST_ABORTED, 1235),
    pair(STATUS_CONNECTION_DISCONNECTED, 64),
    pair(STATUS_CONNECTION_RESET, 64),
    pair(STATUS_SYMLINK_CLASS_DISABLED, 1463),
    pair(STATUS_OFFLOAD_READ_FLT_NOT_SUPPORTED, 4442),
    pair(STATUS_OFFLOAD_WRITE_FLT_NOT_SUPPORTED, 4443),
    pair(STATUS_OFFLOAD_READ_FILE_NOT_SUPPORTED, 4444),
    pair(STATUS_OFFLOAD_WRITE_FILE_NOT_SUPPORTED, 4445),
    pair(STATUS_INVALID_SECURITY_DESCR, 1338),
    pair(STATUS_INTERNAL_ERROR, 1359),
    pair(STATUS_INTERNAL_DB_CORRUPTION, 1358),
    pair(STATUS_INVALID_PARAMETER_1, 87),
    pair(STATUS_INVALID_PARAMETER_2, 87),
    pair(STATUS_INVALID_PARAMETER_3, 87),
    pair(STATUS_INVALID_PARAMETER_4, 87),
    pair(STATUS_INVALID_PARAMETER_5, 87),
    pair(STATUS_INVALID_PARAMETER_6, 87),
    pair(STATUS_INVALID_PARAMETER_7, 87),
    pair(STATUS_INVALID_PARAMETER_8, 87),
    pair(STATUS_INVALID_PARAMETER_9, 87),
    pair(STATUS_INVALID_PARAMETER_10, 87),
    pair(STATUS_INVALID_PARAMETER_11, 87),
    pair(STATUS_INVALID_PARAMETER_12, 87),
};

/// NTSTATUS to error: the first table the other way round, with the second; sorted. A status of the second
/// table has the error given there.
consteval auto invert()
{
    constexpr size_t first = std::size(status_by_error), second = std::size(further_errors);
    std::array<Pair, first + second> all{};
    for (size_t i = 0; i < second; ++i)
        all[i] = further_errors[i];
    for (size_t i = 0; i < first; ++i)
        all[second + i] = {status_by_error[i].to, status_by_error[i].from};
    // std::stable_sort is not constexpr yet; an insertion into place keeps equal ones in order.
    for (size_t i = 1; i < all.size(); ++i) {
        const Pair item = all[i];
        const auto at = std::upper_bound(all.begin(), all.begin() + static_cast<ptrdiff_t>(i), item, by_from);
        std::move_backward(at, all.begin() + static_cast<ptrdiff_t>(i),
                           all.begin() + static_cast<ptrdiff_t>(i) + 1);
        *at = item;
    }
    return all;
}

constexpr auto error_by_status = invert();

template<class Table> const Pair* find(const Table& table, UINT32 from)
{
    const auto at = std::lower_bound(std::begin(table), std::end(table), Pair{from, 0}, by_from);
    return at != std::end(table) && at->from == from ? &*at : nullptr;
}

constexpr UINT32 error_mr_mid_not_found = 317;

} // namespace

NTSTATUS status_of_win32(UINT32 error)
{
    if (const Pair* const found = find(status_by_error, error))
        return static_cast<NTSTATUS>(found->to);
    return error <= 0xFFFF ? static_cast<NTSTATUS>(0x80070000u | error) : STATUS_ACCESS_DENIED;
}

UINT32 win32_of_status(NTSTATUS status)
{
    auto code = static_cast<UINT32>(status);
    if (code & 0x20000000) // an application's own
        return code;
    if ((code & 0xF0000000) == 0xD0000000) // HRESULT_FROM_NT
        code &= 0xCFFFFFFF;
    if (const Pair* const found = find(error_by_status, code))
        return found->to;
    // A Win32 error in disguise.
    const UINT32 facility = code >> 16;
    if (facility == 0x8007 || facility == 0xC007 || facility == 0xC001)
        return code & 0xFFFF;
    return error_mr_mid_not_found;
}

} // namespace fsp::nt

#if !defined(_WIN32) // there the system's own table is in use
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status) { return fsp::nt::win32_of_status(Status); }

ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS Status) { return fsp::nt::win32_of_status(Status); }
#endif
