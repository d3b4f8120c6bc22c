// SPDX-License-Identifier: MIT
/// @file The device transport where the driver runs inside this process.
#include "dll/transport.h"

#include "frontends/fuse/mount.h"
#include "host/own_token.h"
#include "host/system.h"
#include "nt/object_security.h"
#include "nt/posix_map.h"
#include "ntos/nt/control.h"
#include "ntos/se/token.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace fsp::transport {

namespace {

thread_local std::string last_error;

NTSTATUS fail(NTSTATUS status, std::string sentence)
{
    last_error = std::move(sentence);
    return status;
}

/// The token behind a handle of this process.
class TokenCall
{
  public:
    explicit TokenCall(HANDLE handle)
    {
        ACCESS_MASK granted = 0;
        status_ = ntos::ob::reference_by_handle(handle, TOKEN_QUERY, &ntos::ob::token_type, UserMode,
                                                token_.out(), &granted);
    }
    NTSTATUS status() const { return status_; }
    const nt::TokenView& view() const { return ntos::se::token_of(token_.get()).view; }

  private:
    ntos::ob::Ref<void> token_;
    NTSTATUS status_;
};

std::string utf8(const WCHAR* text)
{
    char* out = nullptr;
    std::string result;
    if (NT_SUCCESS(nt::posix::windows_to_posix_path(nt::WideView(text), false, &out)))
        result = out;
    std::free(out);
    return result;
}

bool copy_sid(const ntos::SidBytes& sid, UCHAR (&out)[TokenIdentity::sid_size_max])
{
    if (sid.size() > sizeof out)
        return false;
    std::memcpy(out, sid.data(), sid.size());
    return true;
}

} // namespace

NTSTATUS open(const WCHAR* nt_path, HANDLE* device)
{
    last_error.clear();
    *device = nullptr;
    NTSTATUS status = host::start();
    if (!NT_SUCCESS(status))
        return fail(status, "the file system driver could not be started");
    const size_t length = std::char_traits<WCHAR>::length(nt_path) * sizeof(WCHAR);
    if (length > UNICODE_STRING_MAX_BYTES)
        return STATUS_NAME_TOO_LONG;
    UNICODE_STRING name{static_cast<USHORT>(length), static_cast<USHORT>(length), const_cast<PWSTR>(nt_path)};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    IO_STATUS_BLOCK iosb{};
    // What CreateFile asks for when its caller wants no access.
    return NtOpenFile(device, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &attributes, &iosb,
                      FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0);
}

NTSTATUS control(HANDLE device, ULONG code, const void* in, ULONG in_size, void* out, ULONG out_size,
                 ULONG* returned)
{
    ULONG_PTR information = 0;
    const NTSTATUS status = ntos::nt_service::fs_control_and_wait(UserMode, device, code, in, in_size, out,
                                                                  out_size, &information);
    if (returned != nullptr)
        *returned = static_cast<ULONG>(information);
    return status;
}

void close(HANDLE device) { NtClose(device); }

NTSTATUS set_inline_dispatch(HANDLE device, FSP_FSCTL_INLINE_DISPATCH dispatch, PVOID context,
                             UINT32 max_concurrency)
{
    FSP_FSCTL_INLINE_INFO info{dispatch, context, max_concurrency};
    ULONG_PTR information = 0;
    // The driver takes a function pointer from nobody but the kernel.
    return ntos::nt_service::fs_control_and_wait(KernelMode, device, FSP_FSCTL_INLINE, &info, sizeof info,
                                                 nullptr, 0, &information);
}

NTSTATUS access_check(HANDLE token, PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired,
                      ACCESS_MASK* granted)
{
    *granted = 0;
    TokenCall call(token);
    if (!NT_SUCCESS(call.status()))
        return call.status();
    if (!nt::has_owner_and_group(descriptor))
        return STATUS_INVALID_SECURITY_DESCR;
    return nt::access_check(call.view(), descriptor, desired, 0, nt::file_generic_mapping, granted);
}

NTSTATUS create_object_security(HANDLE token, PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
                                bool directory, PSECURITY_DESCRIPTOR* descriptor)
{
    *descriptor = nullptr;
    TokenCall call(token);
    if (!NT_SUCCESS(call.status()))
        return call.status();
    return nt::create_object_security(parent, creator, directory, 0, call.view(), nt::file_generic_mapping,
                                      descriptor);
}

void free_object_security(PSECURITY_DESCRIPTOR descriptor) { nt::free_descriptor(descriptor); }

NTSTATUS own_token(TokenIdentity* identity)
{
    const ntos::TokenSpec spec = host::own_token_spec();
    std::memset(identity, 0, sizeof *identity);
    if (!copy_sid(spec.user, identity->user) || !copy_sid(spec.user, identity->owner) ||
        !copy_sid(spec.primary_group, identity->primary_group))
        return STATUS_BUFFER_OVERFLOW;
    for (const auto& group : spec.groups) {
        if (identity->group_count == TokenIdentity::group_count_max)
            break;
        auto& g = identity->groups[identity->group_count];
        if (!copy_sid(group.sid, g.sid))
            return STATUS_BUFFER_OVERFLOW;
        g.attributes = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;
        ++identity->group_count;
    }
    return STATUS_SUCCESS;
}

// The descriptor would be that of a directory the library makes for the mount; here the directory exists
// already.
NTSTATUS mount(HANDLE volume, const WCHAR* volume_name, const WCHAR* mount_point, PSECURITY_DESCRIPTOR,
               HANDLE* mount)
{
    last_error.clear();
    *mount = nullptr;
    fuse::MountOptions options;
    options.volume_name = volume_name;
    options.mount_point = utf8(mount_point);
    // Who unmounts from outside is done with the file system: its dispatcher ends, and it learns of it.
    options.unmounted = [volume] { (void)control(volume, FSP_FSCTL_STOP0, nullptr, 0, nullptr, 0, nullptr); };
    std::unique_ptr<fuse::Mount> made;
    std::string sentence;
    const NTSTATUS status = fuse::mount(options, &made, &sentence);
    if (!NT_SUCCESS(status))
        return fail(status, std::move(sentence));
    *mount = made.release();
    return STATUS_SUCCESS;
}

NTSTATUS mount_posix(HANDLE volume, const WCHAR* volume_name, const char* mount_point,
                     const nt::PosixMount& posix, HANDLE* mount)
{
    last_error.clear();
    *mount = nullptr;
    fuse::MountOptions options;
    options.volume_name = volume_name;
    options.mount_point = mount_point;
    options.posix = &posix;
    options.unmounted = [volume] { (void)control(volume, FSP_FSCTL_STOP0, nullptr, 0, nullptr, 0, nullptr); };
    std::unique_ptr<fuse::Mount> made;
    std::string sentence;
    const NTSTATUS status = fuse::mount(options, &made, &sentence);
    if (!NT_SUCCESS(status))
        return fail(status, std::move(sentence));
    *mount = made.release();
    return STATUS_SUCCESS;
}

NTSTATUS check_posix_mount(const char* mount_point, const nt::PosixMount& posix)
{
    last_error.clear();
    fuse::MountOptions options;
    options.mount_point = mount_point;
    options.posix = &posix;
    std::string sentence;
    const NTSTATUS status = fuse::check_mount(options, &sentence);
    return NT_SUCCESS(status) ? status : fail(status, std::move(sentence));
}

int invalidate_posix(HANDLE mount, const WCHAR* path)
{
    return mount == nullptr ? ENOENT : static_cast<fuse::Mount*>(mount)->invalidate(path);
}

int notify_poll(void* poll_handle) { return fuse::notify_poll(poll_handle); }
void destroy_poll(void* poll_handle) { fuse::destroy_poll(poll_handle); }

void unmount(HANDLE mount) { delete static_cast<fuse::Mount*>(mount); }

const char* error_text() { return last_error.c_str(); }

} // namespace fsp::transport
