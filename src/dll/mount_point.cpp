// SPDX-License-Identifier: MIT
#include "dll/mount_point.h"

namespace fsp::dll {

bool is_drive_mount_point(const WCHAR* text)
{
    // "X:" and "*:", and the forms of the mount manager, which may go on after the drive.
    const bool manager =
        text[0] == '\\' && text[1] == '\\' && (text[2] == '.' || text[2] == '?') && text[3] == '\\';
    const WCHAR* drive = manager ? text + 4 : text;
    const bool letter =
        (drive[0] >= 'A' && drive[0] <= 'Z') || (drive[0] >= 'a' && drive[0] <= 'z') || drive[0] == '*';
    return letter && drive[1] == ':' && (manager || drive[2] == 0);
}

} // namespace fsp::dll
