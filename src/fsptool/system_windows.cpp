// SPDX-License-Identifier: MIT
#include "system.h"

#include <winfsp/winfsp.h>

#include <aclapi.h>
#include <cerrno>
#include <memory>

namespace fsptool::system {

namespace {

std::string utf8(const WCHAR* text)
{
    const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string result(size > 0 ? static_cast<std::size_t>(size) - 1 : 0, 0);
    WideCharToMultiByte(CP_UTF8, 0, text, -1, result.data(), size, nullptr, nullptr);
    return result;
}

std::wstring utf16(const std::string& text)
{
    const int size = MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, nullptr, 0);
    std::wstring result(size > 0 ? static_cast<std::size_t>(size) - 1 : 0, 0);
    MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, result.data(), size);
    return result;
}

/// The drive letter whose device is this one; "-" if there is none.
std::string drive_of(const std::wstring& device)
{
    const DWORD drives = GetLogicalDrives();
    for (wchar_t letter = 'A'; letter <= 'Z'; ++letter) {
        const wchar_t drive[] = {letter, ':', 0};
        wchar_t target[1024];
        if ((drives >> (letter - 'A') & 1) != 0 && QueryDosDeviceW(drive, target, 1024) != 0 &&
            device == target)
            return utf8(drive);
    }
    return "-";
}

UINT32 id_of(PSID sid)
{
    UINT32 id = 0;
    FspPosixMapSidToUid(sid, &id);
    return id;
}

/// One variable-size answer about this process' token.
std::unique_ptr<UCHAR[]> token_information(TOKEN_INFORMATION_CLASS what)
{
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return nullptr;
    DWORD size = 0;
    GetTokenInformation(token, what, nullptr, 0, &size);
    auto data = std::make_unique<UCHAR[]>(size);
    if (!GetTokenInformation(token, what, data.get(), size, &size))
        data.reset();
    CloseHandle(token);
    return data;
}

} // namespace

/// Of both control devices, as the driver lists them.
std::vector<Volume> volumes()
{
    std::vector<Volume> result;
    for (const char* device : {FSP_FSCTL_DISK_DEVICE_NAME, FSP_FSCTL_NET_DEVICE_NAME}) {
        std::vector<WCHAR> list(0xffff / sizeof(WCHAR));
        SIZE_T size = list.size() * sizeof(WCHAR);
        if (FspFsctlGetVolumeList(utf16(device).data(), list.data(), &size) != STATUS_SUCCESS)
            continue;
        const WCHAR* const end = list.data() + size / sizeof(WCHAR);
        for (const WCHAR* name = list.data(); name < end; name += wcslen(name) + 1)
            result.push_back({drive_of(name), utf8(name)});
    }
    return result;
}

Ids own_ids()
{
    const auto user = token_information(TokenUser), owner = token_information(TokenOwner),
               group = token_information(TokenPrimaryGroup);
    return {user ? id_of(reinterpret_cast<TOKEN_USER*>(user.get())->User.Sid) : 0,
            owner ? id_of(reinterpret_cast<TOKEN_OWNER*>(owner.get())->Owner) : 0,
            group ? id_of(reinterpret_cast<TOKEN_PRIMARY_GROUP*>(group.get())->PrimaryGroup) : 0};
}

std::string account_name(std::uint32_t id, bool)
{
    PSID sid = nullptr;
    if (FspPosixMapUidToSid(id, &sid) != STATUS_SUCCESS)
        return {};
    WCHAR name[256], domain[256];
    DWORD name_size = 256, domain_size = 256;
    SID_NAME_USE use;
    std::string result;
    if (LookupAccountSidW(nullptr, sid, name, &name_size, domain, &domain_size, &use))
        result = domain_size != 0 ? utf8(domain) + "\\" + utf8(name) : utf8(name);
    FspDeleteSid(sid, reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void (*)()>(FspPosixMapUidToSid)));
    return result;
}

std::optional<std::uint32_t> find_account(const std::string& name)
{
    UCHAR sid[SECURITY_MAX_SID_SIZE];
    WCHAR domain[256];
    DWORD sid_size = sizeof sid, domain_size = 256;
    SID_NAME_USE use;
    if (!LookupAccountNameW(nullptr, utf16(name).c_str(), sid, &sid_size, domain, &domain_size, &use))
        return std::nullopt;
    return id_of(sid);
}

std::optional<Permissions> permissions(const std::string& path)
{
    PSECURITY_DESCRIPTOR security = nullptr;
    const DWORD error = GetNamedSecurityInfoW(utf16(path).data(), SE_FILE_OBJECT,
                                              OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                                                  DACL_SECURITY_INFORMATION,
                                              nullptr, nullptr, nullptr, nullptr, &security);
    if (error != ERROR_SUCCESS) {
        errno = error == ERROR_ACCESS_DENIED ? EACCES : ENOENT;
        return std::nullopt;
    }
    Permissions result{};
    const NTSTATUS status =
        FspPosixMapSecurityDescriptorToPermissions(security, &result.uid, &result.gid, &result.mode);
    LocalFree(security);
    if (status != STATUS_SUCCESS) {
        errno = EINVAL;
        return std::nullopt;
    }
    return result;
}

} // namespace fsptool::system
