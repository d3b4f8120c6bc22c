// SPDX-License-Identifier: MIT
#include "dll/fuse/file_system.h"
#include "dll/fuse/native_operations.h"

namespace fsp::winfuse {
namespace {

VOID dispatcher_stopped(FSP_FILE_SYSTEM* native, BOOLEAN normally)
{
    if (!normally)
        exit_loop(&of(native));
}

constexpr FSP_FILE_SYSTEM_INTERFACE make_operations()
{
    FSP_FILE_SYSTEM_INTERFACE on{};
    on.GetVolumeInfo = native::get_volume_info;
    on.SetVolumeLabel = native::set_volume_label;
    on.GetSecurityByName = native::get_security_by_name;
    on.Open = native::open;
    on.Cleanup = native::cleanup;
    on.Close = native::close;
    on.Read = native::read;
    on.Write = native::write;
    on.Flush = native::flush;
    on.GetFileInfo = native::get_file_info;
    on.SetBasicInfo = native::set_basic_info;
    on.SetFileSize = native::set_file_size;
    on.CanDelete = native::can_delete;
    on.Rename = native::rename;
    on.GetSecurity = native::get_security;
    on.SetSecurity = native::set_security;
    on.ReadDirectory = native::read_directory;
    on.ResolveReparsePoints = native::resolve_reparse_points;
    on.GetReparsePoint = native::get_reparse_point;
    on.SetReparsePoint = native::set_reparse_point;
    on.DeleteReparsePoint = native::delete_reparse_point;
    on.GetDirInfoByName = native::get_dir_info_by_name;
    on.Control = native::control;
    on.CreateEx = native::create_ex;
    on.OverwriteEx = native::overwrite_ex;
    on.GetEa = native::get_ea;
    on.SetEa = native::set_ea;
    on.DispatcherStopped = dispatcher_stopped;
    return on;
}

} // namespace

const FSP_FILE_SYSTEM_INTERFACE operations = make_operations();

} // namespace fsp::winfuse
