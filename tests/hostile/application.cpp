// SPDX-License-Identifier: MIT
#include "application.h"

#include <winfsp/fsctl.h>
#include <winfsp/ntfsctl.h>

#include <utility>

namespace hostile {

namespace {

UNICODE_STRING text(const std::u16string& from)
{
    const auto length = static_cast<USHORT>(from.size() * sizeof(WCHAR));
    return {length, length, const_cast<WCHAR*>(from.data())};
}

/// An event for as long as one call takes.
struct Event
{
    HANDLE handle = nullptr;
    Event() { NtCreateEvent(&handle, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE); }
    Event(const Event&) = delete;
    ~Event() { NtClose(handle); }
};

constexpr ULONG device_code = CTL_CODE(0x8321, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS);

} // namespace

Application::~Application()
{
    for (Handle& handle : handles_)
        close(handle);
}

void Application::close(Handle& handle)
{
    if (handle.value)
        NtClose(std::exchange(handle.value, nullptr));
}

void Application::inspect(const char* what, const void* data, size_t size)
{
    const long at = find_poison(data, size);
    if (at >= 0 && complaint_.empty())
        complaint_ = std::string(what) + " shows old memory at byte " + std::to_string(at);
}

NTSTATUS Application::settle(const Handle& handle, NTSTATUS status, HANDLE event, IO_STATUS_BLOCK* io)
{
    if (status != STATUS_PENDING)
        return status;
    LARGE_INTEGER moment;
    moment.QuadPart = -patience_ * 10'000;
    if (NtWaitForSingleObject(event, FALSE, &moment) == STATUS_TIMEOUT) {
        IO_STATUS_BLOCK ignored{};
        NtCancelIoFileEx(handle.value, io, &ignored);
        NtWaitForSingleObject(event, FALSE, nullptr);
    }
    return io->Status;
}

std::u16string Application::random_path()
{
    static const char16_t* const names[] = {
        u"\\",  u"\\a",         u"\\b.txt", u"\\d",      u"\\d\\a",     u"\\a:s",    u"\\d:s", u"\\dd\\a",
        u"\\A", u"\\a:s:$DATA", u"\\e\\f",  u"\\a\\b\\", u"\\a::$DATA", u"relative", u""};
    if (chance_.one_in(8)) {
        std::u16string odd = u"\\";
        for (ULONG i = chance_.below(300); i > 0; i--)
            odd += static_cast<char16_t>(chance_.one_in(4) ? chance_.bits() : u'a' + chance_.below(26));
        return odd;
    }
    return names[chance_.below(sizeof names / sizeof names[0])];
}

void Application::open()
{
    Handle& handle = some();
    close(handle);
    const std::u16string path = volume_ + random_path();
    UNICODE_STRING name = text(path);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, chance_.one_in(2) ? OBJ_CASE_INSENSITIVE : 0, nullptr,
                               nullptr);
    UINT8 eas[64];
    for (auto& byte : eas)
        byte = chance_.one_in(3) ? static_cast<UINT8>(chance_.bits() & 0x7f) : 0;
    const bool with_ea = chance_.one_in(8);
    handle.asynchronous = chance_.one_in(3);
    const ACCESS_MASK access[] = {FILE_ALL_ACCESS, MAXIMUM_ALLOWED, FILE_READ_DATA, GENERIC_READ | DELETE,
                                  FILE_READ_ATTRIBUTES};
    ULONG options = handle.asynchronous ? 0 : FILE_SYNCHRONOUS_IO_NONALERT;
    const ULONG extras[] = {0,
                            0,
                            0,
                            FILE_DIRECTORY_FILE,
                            FILE_NON_DIRECTORY_FILE,
                            FILE_DELETE_ON_CLOSE,
                            FILE_OPEN_REPARSE_POINT,
                            FILE_NO_INTERMEDIATE_BUFFERING,
                            FILE_WRITE_THROUGH,
                            FILE_OPEN_FOR_BACKUP_INTENT,
                            FILE_COMPLETE_IF_OPLOCKED};
    options |= chance_.any(extras);
    LARGE_INTEGER allocation;
    allocation.QuadPart = static_cast<LONGLONG>(chance_.one_in(4) ? chance_.awkward(4096) : 0);
    IO_STATUS_BLOCK io{};
    const NTSTATUS status =
        NtCreateFile(&handle.value, chance_.any(access) | SYNCHRONIZE, &attributes, &io, &allocation,
                     chance_.one_in(4) ? static_cast<ULONG>(chance_.bits() & 0x7fb7) : FILE_ATTRIBUTE_NORMAL,
                     chance_.below(8), chance_.one_in(2) ? ULONG{FILE_OPEN_IF} : chance_.below(6), options,
                     with_ea ? eas : nullptr, with_ea ? sizeof eas : 0);
    if (!NT_SUCCESS(status))
        handle.value = nullptr;
}

void Application::transfer()
{
    Handle& handle = some();
    Event event;
    IO_STATUS_BLOCK io{};
    LARGE_INTEGER offset;
    offset.QuadPart =
        chance_.one_in(4) ? static_cast<LONGLONG>(chance_.awkward(10000)) : chance_.below(12000);
    const ULONG length = chance_.one_in(8) ? sizeof buffer_ : chance_.below(9000);
    ULONG key = 0;
    NTSTATUS status;
    if (chance_.one_in(2)) {
        memset(buffer_, 0xA5, length);
        status =
            NtReadFile(handle.value, event.handle, nullptr, nullptr, &io, buffer_, length, &offset, &key);
        status = settle(handle, status, event.handle, &io);
        inspect("a read", buffer_, length);
        if (NT_SUCCESS(status) && io.Information > length)
            complaint_ = "a read of more than was asked for";
    } else {
        memset(buffer_, 'w', length);
        status =
            NtWriteFile(handle.value, event.handle, nullptr, nullptr, &io, buffer_, length, &offset, &key);
        settle(handle, status, event.handle, &io);
    }
    if (chance_.one_in(8))
        NtFlushBuffersFile(handle.value, &io);
}

void Application::query()
{
    IO_STATUS_BLOCK io{};
    const ULONG length = chance_.one_in(2) ? 4096 : chance_.below(200);
    memset(buffer_, 0xA5, length);
    NTSTATUS status;
    if (chance_.one_in(4))
        status = NtQueryVolumeInformationFile(some().value, &io, buffer_, length,
                                              static_cast<FS_INFORMATION_CLASS>(chance_.below(16)));
    else
        status = NtQueryInformationFile(some().value, &io, buffer_, length,
                                        static_cast<FILE_INFORMATION_CLASS>(chance_.below(76)));
    inspect("a query", buffer_, length);
    if (NT_SUCCESS(status) && io.Information > length)
        complaint_ = "a query with a longer answer than the buffer";
}

void Application::set()
{
    IO_STATUS_BLOCK io{};
    const FILE_INFORMATION_CLASS classes[] = {FileBasicInformation,       FileEndOfFileInformation,
                                              FileAllocationInformation,  FilePositionInformation,
                                              FileDispositionInformation, FileDispositionInformationEx,
                                              FileLinkInformation,        FileValidDataLengthInformation};
    UINT64 words[8];
    for (auto& word : words)
        word = chance_.one_in(2) ? chance_.below(20000) : chance_.awkward(10000);
    if (chance_.one_in(6)) {
        words[0] = chance_.below(40);
        NtSetVolumeInformationFile(some().value, &io, words, sizeof words, FileFsLabelInformation);
        return;
    }
    NtSetInformationFile(some().value, &io, words, chance_.one_in(4) ? chance_.below(64) : sizeof words,
                         chance_.any(classes));
}

void Application::rename()
{
    std::u16string to = random_path();
    to = chance_.one_in(2) ? volume_ + to : to.substr(to.empty() ? 0 : 1);
    struct
    {
        ULONG flags;
        HANDLE root;
        ULONG length;
        WCHAR name[700];
    } info{};
    info.flags = chance_.below(128);
    info.root = chance_.one_in(4) ? some().value : nullptr;
    const size_t count = to.size() < 700 ? to.size() : 700;
    info.length = static_cast<ULONG>(chance_.one_in(6) ? chance_.awkward(count * 2) : count * 2);
    to.copy(info.name, count);
    IO_STATUS_BLOCK io{};
    NtSetInformationFile(some().value, &io, &info, static_cast<ULONG>(24 + count * 2),
                         chance_.one_in(2) ? FileRenameInformation : FileRenameInformationEx);
}

void Application::list()
{
    Handle& handle = some();
    const FILE_INFORMATION_CLASS classes[] = {FileDirectoryInformation,       FileFullDirectoryInformation,
                                              FileBothDirectoryInformation,   FileNamesInformation,
                                              FileIdBothDirectoryInformation, FileIdFullDirectoryInformation};
    const char16_t* const patterns[] = {u"*", u"a", u"<.txt", u"?", u"*.*", u"b>\"txt", u""};
    const std::u16string pattern = patterns[chance_.below(7)];
    UNICODE_STRING name = text(pattern);
    const ULONG length = chance_.one_in(2) ? sizeof buffer_ : chance_.below(300);
    for (int times = 0; times < 3; times++) {
        Event event;
        IO_STATUS_BLOCK io{};
        memset(buffer_, 0xA5, length);
        NTSTATUS status =
            NtQueryDirectoryFile(handle.value, event.handle, nullptr, nullptr, &io, buffer_, length,
                                 chance_.any(classes), chance_.one_in(4), &name, chance_.one_in(3));
        status = settle(handle, status, event.handle, &io);
        inspect("a listing", buffer_, length);
        if (!NT_SUCCESS(status))
            return;
    }
}

void Application::attributes()
{
    IO_STATUS_BLOCK io{};
    UINT8 words[128];
    for (auto& byte : words)
        byte = chance_.one_in(2) ? static_cast<UINT8>(chance_.bits() & 0x7f) : 0;
    if (chance_.one_in(2)) {
        NtSetEaFile(some().value, &io, words, chance_.below(sizeof words));
        return;
    }
    const UINT8 wanted[] = {0, 0, 0, 0, 3, 'A', 'B', 'C', 0};
    const bool named = chance_.one_in(2);
    const ULONG length = chance_.below(200);
    ULONG index = chance_.below(4);
    memset(buffer_, 0xA5, length);
    NtQueryEaFile(some().value, &io, buffer_, length, chance_.one_in(2),
                  named ? chance_.one_in(2) ? const_cast<UINT8*>(wanted) : words : nullptr,
                  named ? sizeof wanted : 0, chance_.one_in(3) ? &index : nullptr, chance_.one_in(2));
    inspect("extended attributes", buffer_, length);
}

void Application::security()
{
    const SECURITY_INFORMATION what = chance_.below(16);
    const ULONG length = chance_.one_in(2) ? 500 : chance_.below(100);
    ULONG needed = 0;
    memset(buffer_, 0xA5, length);
    const NTSTATUS status = NtQuerySecurityObject(some().value, what, buffer_, length, &needed);
    inspect("a descriptor", buffer_, length);
    if (NT_SUCCESS(status) && chance_.one_in(2))
        NtSetSecurityObject(some().value, what, buffer_);
}

void Application::control()
{
    Handle& handle = some();
    Event event;
    IO_STATUS_BLOCK io{};
    const ULONG codes[] = {
        FSCTL_GET_REPARSE_POINT,      FSCTL_GET_REPARSE_POINT, FSCTL_SET_REPARSE_POINT,
        FSCTL_DELETE_REPARSE_POINT,   FSP_FSCTL_QUERY_WINFSP,  FSCTL_FILESYSTEM_GET_STATISTICS,
        FSCTL_GET_RETRIEVAL_POINTERS, FSP_FSCTL_TRANSACT,      FSP_FSCTL_NOTIFY};
    UINT64 in[32];
    for (auto& word : in)
        word = chance_.one_in(2) ? 0 : chance_.bits();
    const UINT32 tags[] = {0xA0000003, 0xA000000C, 0x8000001B, 0, 1, 77};
    in[0] = chance_.any(tags) | static_cast<UINT64>(chance_.below(64)) << 32;
    const ULONG in_size = chance_.one_in(3) ? 0 : chance_.below(sizeof in);
    const ULONG out_size = chance_.one_in(3) ? 0 : chance_.below(4096);
    memset(buffer_, 0xA5, out_size);
    NTSTATUS status;
    if (chance_.one_in(4)) {
        status = NtDeviceIoControlFile(handle.value, event.handle, nullptr, nullptr, &io, device_code, in,
                                       in_size, buffer_, out_size);
    } else {
        const ULONG code = chance_.any(codes);
        status = NtFsControlFile(handle.value, event.handle, nullptr, nullptr, &io, code,
                                 in_size ? in : nullptr, in_size, out_size ? buffer_ : nullptr, out_size);
    }
    settle(handle, status, event.handle, &io);
    inspect("a control code", buffer_, out_size);
}

/// An oplock for a moment. Kept while it breaks, it would make this very thread's next open wait for ever.
void Application::oplock()
{
    Handle& handle = some();
    if (!handle.value || !handle.asynchronous)
        return;
    const ULONG codes[] = {FSCTL_REQUEST_OPLOCK_LEVEL_1, FSCTL_REQUEST_OPLOCK_LEVEL_2,
                           FSCTL_REQUEST_BATCH_OPLOCK, FSCTL_REQUEST_FILTER_OPLOCK};
    for (const ULONG code : {chance_.any(codes), ULONG{FSCTL_OPLOCK_BREAK_ACK_NO_2}}) {
        Event event;
        IO_STATUS_BLOCK io{};
        const NTSTATUS status =
            NtFsControlFile(handle.value, event.handle, nullptr, nullptr, &io, code, nullptr, 0, nullptr, 0);
        settle(handle, status, event.handle, &io);
    }
}

void Application::lock()
{
    Handle& handle = some();
    Event event;
    IO_STATUS_BLOCK io{};
    LARGE_INTEGER offset, length;
    offset.QuadPart = static_cast<LONGLONG>(chance_.one_in(3) ? chance_.awkward(100) : chance_.below(100));
    length.QuadPart = static_cast<LONGLONG>(chance_.one_in(3) ? chance_.awkward(100) : chance_.below(100));
    const BOOLEAN at_once = !handle.asynchronous || chance_.one_in(2);
    const NTSTATUS status = NtLockFile(handle.value, event.handle, nullptr, nullptr, &io, &offset, &length,
                                       chance_.below(2), at_once, chance_.one_in(2));
    settle(handle, status, event.handle, &io);
    if (chance_.one_in(2))
        NtUnlockFile(handle.value, &io, &offset, &length, chance_.below(2));
}

void Application::wait_for_something()
{
    Handle& handle = some();
    if (!handle.value || !handle.asynchronous)
        return;
    Event event;
    IO_STATUS_BLOCK io{};
    memset(buffer_, 0xA5, 512);
    const NTSTATUS status =
        NtNotifyChangeDirectoryFile(handle.value, event.handle, nullptr, nullptr, &io, buffer_, 512,
                                    FILE_NOTIFY_VALID_MASK, chance_.one_in(2));
    settle(handle, status, event.handle, &io);
    inspect("a notification", buffer_, 512);
}

void Application::map()
{
    HANDLE section = nullptr;
    LARGE_INTEGER size;
    size.QuadPart = static_cast<LONGLONG>(chance_.one_in(3) ? chance_.awkward(4096) : 0);
    if (NT_SUCCESS(NtCreateSection(&section, SECTION_ALL_ACCESS, nullptr, &size,
                                   chance_.one_in(2) ? PAGE_READONLY : PAGE_READWRITE, SEC_COMMIT,
                                   some().value)))
        NtClose(section);
}

void Application::step()
{
    switch (chance_.below(17)) {
    case 0:
    case 1:
    case 2:
    case 3:
        return open();
    case 4:
    case 5:
        return transfer();
    case 6:
        return query();
    case 7:
        return set();
    case 8:
        return rename();
    case 9:
        return list();
    case 10:
        return attributes();
    case 11:
        return security();
    case 12:
        return control();
    case 13:
        return lock();
    case 14:
        return wait_for_something();
    case 15:
        return oplock();
    default:
        return map();
    }
}

} // namespace hostile
