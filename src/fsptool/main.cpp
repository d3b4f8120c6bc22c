// SPDX-License-Identifier: MIT
//
// fsptool: looks at volumes, identities, permissions and the driver from the command line.
#include "system.h"

#include <winfsp/winfsp.h>
#if defined(_WIN32)
#include <sddl.h>
#endif

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace {

using namespace fsptool;

constexpr const char* usage_text =
    "usage: fsptool COMMAND ARGS\n"
    "\n"
    "commands:\n"
    "    lsvol                       list mounted volumes\n"
    "    id [SID | uid | NAME]       print SIDs and ids of this process or an account\n"
    "    perm PATH | uid:gid:mode | SDDL\n"
    "                                print a security descriptor and its permissions\n"
    "    lsdrv                       list the drivers and whether they run (R)\n"
    "    load                        start the driver\n"
    "    unload                      unload the driver\n"
    "    ver                         print the version\n";

int usage()
{
    fputs(usage_text, stderr);
    return ERROR_INVALID_PARAMETER;
}

/// The address of the function that made a thing says how it was allocated.
template<class Function> auto made_by(Function* maker)
{
    return reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void (*)()>(maker));
}

/// The exit code of a status; a shell sees only eight bits, and no failure may look like success.
int exit_code(NTSTATUS status)
{
    const DWORD code = status == STATUS_SUCCESS ? 0 : FspWin32FromNtStatus(status);
    return static_cast<int>(code != 0 && (code & 0xFF) == 0 ? 1 : code);
}

int fail(const char* what, NTSTATUS status)
{
    fprintf(stderr, "fsptool: %s (status 0x%08X, Win32 error %u)\n", what, static_cast<unsigned>(status),
            static_cast<unsigned>(FspWin32FromNtStatus(status)));
    return exit_code(status);
}

std::string utf8(const WCHAR* text)
{
    char* converted = nullptr;
    if (FspPosixMapWindowsToPosixPathEx(const_cast<PWSTR>(text), &converted, FALSE) != STATUS_SUCCESS)
        return {};
    std::string result = converted;
    FspPosixDeletePath(converted);
    return result;
}

std::basic_string<WCHAR> utf16(const std::string& text)
{
    PWSTR converted = nullptr;
    if (FspPosixMapPosixToWindowsPathEx(text.c_str(), &converted, FALSE) != STATUS_SUCCESS)
        return {};
    std::basic_string<WCHAR> result = converted;
    FspPosixDeletePath(converted);
    return result;
}

template<class T> bool parse(std::string_view text, T& value, int base = 10)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc{} && end == text.data() + text.size();
}

int lsvol()
{
    for (const system::Volume& volume : system::volumes())
        printf("%-3s %s\n", volume.where.c_str(), volume.device.c_str());
    return 0;
}

void print_sid(const char* label, PSID sid, bool group)
{
    UINT32 id = 0;
    PWSTR text = nullptr;
    if (FspPosixMapSidToUid(sid, &id) != STATUS_SUCCESS || !ConvertSidToStringSidW(sid, &text))
        return;
    printf("%s%s(%s) (%s=%u)\n", label, utf8(text).c_str(), system::account_name(id, group).c_str(),
           group ? "gid" : "uid", id);
    LocalFree(text);
}

void print_id(const char* label, UINT32 id, bool group)
{
    PSID sid = nullptr;
    if (FspPosixMapUidToSid(id, &sid) != STATUS_SUCCESS)
        return;
    print_sid(label, sid, group);
    FspDeleteSid(sid, made_by(FspPosixMapUidToSid));
}

int id(const char* argument)
{
    if (argument == nullptr) {
        const system::Ids ids = system::own_ids();
        print_id("User=", ids.user, false);
        print_id("Owner=", ids.owner, false);
        print_id("Group=", ids.group, true);
        return 0;
    }
    if (strncmp(argument, "S-1-", 4) == 0) {
        PSID sid = nullptr;
        if (!ConvertStringSidToSidW(utf16(argument).c_str(), &sid)) {
            fprintf(stderr, "fsptool: '%s' is not a SID\n", argument);
            return ERROR_INVALID_SID & 0xFF;
        }
        print_sid("", sid, false);
        LocalFree(sid);
        return 0;
    }
    UINT32 number = 0;
    if (!parse(argument, number)) {
        const auto account = system::find_account(argument);
        if (!account) {
            fprintf(stderr, "fsptool: there is no account '%s'\n", argument);
            return ERROR_NONE_MAPPED & 0xFF;
        }
        number = *account;
    }
    print_id("", number, false);
    return 0;
}

void print_security(PSECURITY_DESCRIPTOR security)
{
    UINT32 uid = 0, gid = 0, mode = 0;
    PWSTR text = nullptr;
    const SECURITY_INFORMATION what =
        OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    if (FspPosixMapSecurityDescriptorToPermissions(security, &uid, &gid, &mode) != STATUS_SUCCESS ||
        !ConvertSecurityDescriptorToStringSecurityDescriptorW(security, SDDL_REVISION_1, what, &text,
                                                              nullptr))
        return;
    printf("%s (perm=%u:%u:%u%u%u%u)\n", utf8(text).c_str(), uid, gid, (mode >> 9) & 7, (mode >> 6) & 7,
           (mode >> 3) & 7, mode & 7);
    LocalFree(text);
}

int print_permissions(const system::Permissions& permissions)
{
    PSECURITY_DESCRIPTOR security = nullptr;
    const NTSTATUS status = FspPosixMapPermissionsToSecurityDescriptor(permissions.uid, permissions.gid,
                                                                       permissions.mode, &security);
    if (status != STATUS_SUCCESS)
        return fail("the permissions cannot be mapped", status);
    print_security(security);
    FspDeleteSecurityDescriptor(security, made_by(FspPosixMapPermissionsToSecurityDescriptor));
    return 0;
}

/// "uid:gid:mode", decimal, decimal, octal.
bool parse_permissions(std::string_view text, system::Permissions& permissions)
{
    const std::size_t first = text.find(':'), second = text.find(':', first + 1);
    return first != text.npos && second != text.npos && parse(text.substr(0, first), permissions.uid) &&
           parse(text.substr(first + 1, second - first - 1), permissions.gid) &&
           parse(text.substr(second + 1), permissions.mode, 8);
}

int perm(const std::string& argument)
{
    system::Permissions permissions{};
    if (parse_permissions(argument, permissions))
        return print_permissions(permissions);
    if (argument.find_first_of("/\\") != argument.npos) {
        const auto found = system::permissions(argument);
        if (found)
            return print_permissions(*found);
        fprintf(stderr, "fsptool: %s: %s\n", argument.c_str(), strerror(errno));
        return ERROR_FILE_NOT_FOUND;
    }
    PSECURITY_DESCRIPTOR security = nullptr;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(utf16(argument).c_str(), SDDL_REVISION_1,
                                                              &security, nullptr))
    {
        fprintf(stderr,
                "fsptool: '%s' is neither a path, nor uid:gid:mode, nor a security descriptor in SDDL\n",
                argument.c_str());
        return ERROR_INVALID_PARAMETER;
    }
    print_security(security);
    LocalFree(security);
    return 0;
}

void print_driver(PVOID, PWSTR name, BOOLEAN running)
{
    printf("%-3s %s\n", running ? "R" : "-", utf8(name).c_str());
}

int lsdrv()
{
    const NTSTATUS status = FspFsctlEnumServices(print_driver, nullptr);
    return status == STATUS_SUCCESS ? 0 : fail("the drivers cannot be listed", status);
}

int load()
{
    const NTSTATUS status = FspFsctlStartService();
    return status == STATUS_SUCCESS ? 0 : fail("the driver cannot be started", status);
}

int unload()
{
    const NTSTATUS status = FspFsctlStopService();
    return status == STATUS_SUCCESS ? 0 : fail("the driver cannot be unloaded", status);
}

int ver()
{
    UINT32 version = 0;
    const NTSTATUS status = FspVersion(&version);
    if (status != STATUS_SUCCESS)
        return fail("the version is not known", status);
    const std::string instance = utf8(FspSxsIdent());
    printf("%u.%u%s\n", version >> 16, version & 0xFFFF,
           instance.empty() ? "" : (" (SxS=" + instance + ")").c_str());
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    const std::string command = argc > 1 ? argv[1] : "";
    if (argc == 2 && (command == "--help" || command == "-h")) {
        fputs(usage_text, stdout);
        return 0;
    }
    if (command == "id" && argc <= 3)
        return id(argc == 3 ? argv[2] : nullptr);
    if (command == "perm" && argc == 3)
        return perm(argv[2]);
    if (argc != 2)
        return usage();
    if (command == "lsvol")
        return lsvol();
    if (command == "lsdrv")
        return lsdrv();
    if (command == "load")
        return load();
    if (command == "unload")
        return unload();
    if (command == "ver")
        return ver();
    return usage();
}
