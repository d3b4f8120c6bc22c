// SPDX-License-Identifier: MIT
//
// Changes that a program reports.
#include "dll/fuse/file_system.h"
#include "dll/fuse/information.h"
#include "dll/srw_lock.h"
#include "nt/text.h"
#include "nt/upcase.h"

namespace fsp::winfuse {
namespace {

constexpr size_t path_units_max = 1024;
constexpr int error_name_too_long = 38; // a native number, also for Cygwin programs

struct Change
{
    UINT32 filter = 0;
    UINT32 action = 0;
};

Change change_of(UINT32 what)
{
    Change change;
    if (what & FSP_FUSE_NOTIFY_MKDIR)
        change = {FILE_NOTIFY_CHANGE_DIR_NAME, FILE_ACTION_ADDED};
    else if (what & FSP_FUSE_NOTIFY_RMDIR)
        change = {FILE_NOTIFY_CHANGE_DIR_NAME, FILE_ACTION_REMOVED};
    else if (what & FSP_FUSE_NOTIFY_CREATE)
        change = {FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED};
    else if (what & FSP_FUSE_NOTIFY_UNLINK)
        change = {FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_REMOVED};
    constexpr struct
    {
        UINT32 what, filter;
    } rows[] = {
        {FSP_FUSE_NOTIFY_CHMOD | FSP_FUSE_NOTIFY_CHOWN, FILE_NOTIFY_CHANGE_SECURITY},
        {FSP_FUSE_NOTIFY_UTIME, FILE_NOTIFY_CHANGE_LAST_ACCESS | FILE_NOTIFY_CHANGE_LAST_WRITE},
        {FSP_FUSE_NOTIFY_CHFLAGS, FILE_NOTIFY_CHANGE_ATTRIBUTES},
        {FSP_FUSE_NOTIFY_TRUNCATE, FILE_NOTIFY_CHANGE_SIZE},
    };
    for (const auto& row : rows)
        if (what & row.what) {
            change.filter |= row.filter;
            if (change.action == 0)
                change.action = FILE_ACTION_MODIFIED;
        }
    return change;
}

} // namespace
} // namespace fsp::winfuse

int fsp_fuse_notify(struct fsp_fuse_env*, fuse* f, const char* path, uint32_t action)
{
    using namespace fsp::winfuse;
    OwnWidePath name;
    if (!NT_SUCCESS(name.from_posix(path)))
        return -error_no_memory;
    const size_t length = fsp::nt::length(name.get());
    if (length >= path_units_max)
        return -error_name_too_long;
    alignas(8) UINT8 record[sizeof(FSP_FSCTL_NOTIFY_INFO) + path_units_max * sizeof(WCHAR)] = {};
    auto& info = *reinterpret_cast<FSP_FSCTL_NOTIFY_INFO*>(record);
    for (size_t i = 0; i != length; ++i)
        info.FileNameBuf[i] =
            f->wants(FUSE_CAP_CASE_INSENSITIVE) ? fsp::nt::upcase(name.get()[i]) : name.get()[i];
    const Change change = change_of(action);
    info.Size = static_cast<UINT16>(sizeof info + length * sizeof(WCHAR));
    info.Filter = change.filter;
    info.Action = change.action;

    const fsp::dll::SharedHold hold(f->native_lock);
    if (f->native == nullptr)
        return -error_invalid; // nothing is mounted
    return NT_SUCCESS(FspFileSystemNotify(f->native, &info, info.Size)) ? 0 : -error_no_memory;
}
