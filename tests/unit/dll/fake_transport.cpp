// SPDX-License-Identifier: MIT
#include "fake_transport.h"

#include <cstdlib>
#include <cstring>
#include <memory>

#include "nt/rtl.h"

namespace fake {
namespace {
std::unique_ptr<Transport> the_transport = std::make_unique<Transport>();

UINT64 hint_of(const Bytes& message)
{
    UINT64 hint;
    std::memcpy(&hint, message.data() + offsetof(FSP_FSCTL_TRANSACT_RSP, Hint), sizeof hint);
    return hint;
}
} // namespace

Transport& transport() { return *the_transport; }
void reset() { the_transport = std::make_unique<Transport>(); }

void Transport::wait_for_response(UINT64 hint, Bytes* response)
{
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] {
        for (const Bytes& candidate : responses)
            if (hint_of(candidate) == hint) {
                *response = candidate;
                return true;
            }
        return false;
    });
}

Bytes Transport::ask(const Bytes& request)
{
    {
        const std::lock_guard lock(mutex);
        requests.push_back(request);
    }
    changed.notify_all();
    Bytes response;
    wait_for_response(hint_of(request), &response);
    return response;
}

} // namespace fake

namespace fsp::transport {
namespace {

NTSTATUS transact(fake::Transport& t, const void* in, ULONG in_size, void* out, ULONG out_size,
                  ULONG* returned)
{
    std::unique_lock lock(t.mutex);
    if (in_size != 0) {
        const auto* bytes = static_cast<const UINT8*>(in);
        t.responses.emplace_back(bytes, bytes + in_size);
        t.changed.notify_all();
    }
    if (out_size == 0) {
        t.transact0 += in_size == 0;
        return STATUS_SUCCESS;
    }
    t.changed.wait(lock, [&] { return t.stopped || !t.requests.empty(); });
    if (t.stopped)
        return STATUS_CANCELLED;
    const fake::Bytes request = t.requests.front();
    t.requests.pop_front();
    std::memcpy(out, request.data(), request.size());
    *returned = static_cast<ULONG>(request.size());
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS open(const WCHAR* nt_path, HANDLE* device)
{
    fake::transport().opened_path = nt_path;
    *device = reinterpret_cast<HANDLE>(UINT_PTR{4});
    return STATUS_SUCCESS;
}

NTSTATUS control(HANDLE, ULONG code, const void* in, ULONG in_size, void* out, ULONG out_size,
                 ULONG* returned)
{
    fake::Transport& t = fake::transport();
    ULONG ignored;
    if (returned == nullptr)
        returned = &ignored;
    *returned = 0;
    if (code == FSP_FSCTL_TRANSACT)
        return transact(t, in, in_size, out, out_size, returned);

    const std::lock_guard lock(t.mutex);
    t.codes.push_back(code);
    switch (code) {
    case FSP_FSCTL_VOLUME_NAME: {
        const std::u16string name = u"\\Device\\Volume{1}";
        *returned = static_cast<ULONG>((name.size() + 1) * sizeof(WCHAR));
        std::memcpy(out, name.c_str(), *returned);
        return STATUS_SUCCESS;
    }
    case FSP_FSCTL_VOLUME_LIST:
        return STATUS_BUFFER_TOO_SMALL;
    case FSP_FSCTL_STOP:
    case FSP_FSCTL_STOP0:
        t.stopped = true;
        t.changed.notify_all();
        return STATUS_SUCCESS;
    case FSP_FSCTL_NOTIFY:
        t.notifications.emplace_back(static_cast<const UINT8*>(in), static_cast<const UINT8*>(in) + in_size);
        return t.notify_status;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

void close(HANDLE) {}

NTSTATUS set_inline_dispatch(HANDLE, FSP_FSCTL_INLINE_DISPATCH dispatch, PVOID context,
                             UINT32 max_concurrency)
{
    fake::Transport& t = fake::transport();
    const std::lock_guard lock(t.mutex);
    t.inline_dispatch = dispatch;
    t.inline_context = context;
    t.inline_concurrency = max_concurrency;
    return STATUS_SUCCESS;
}

NTSTATUS access_check(HANDLE, PSECURITY_DESCRIPTOR, ACCESS_MASK desired, ACCESS_MASK* granted)
{
    fake::Transport& t = fake::transport();
    t.access_asked.push_back(desired);
    if (t.access)
        return t.access(desired, granted);
    *granted = (desired & MAXIMUM_ALLOWED) != 0 ? FILE_ALL_ACCESS : desired;
    return STATUS_SUCCESS;
}

NTSTATUS create_object_security(HANDLE, PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR creator, bool,
                                PSECURITY_DESCRIPTOR* descriptor)
{
    // A descriptor that says nothing but is one.
    static SECURITY_DESCRIPTOR_RELATIVE empty = {
        SECURITY_DESCRIPTOR_REVISION, 0, SE_SELF_RELATIVE, 0, 0, 0, 0};
    const PSECURITY_DESCRIPTOR source = creator != nullptr ? creator : &empty;
    const ULONG size = RtlLengthSecurityDescriptor(source);
    *descriptor = std::malloc(size);
    std::memcpy(*descriptor, source, size);
    return STATUS_SUCCESS;
}

void free_object_security(PSECURITY_DESCRIPTOR descriptor) { std::free(descriptor); }

NTSTATUS own_token(TokenIdentity*) { return STATUS_NOT_SUPPORTED; }

NTSTATUS mount(HANDLE, const WCHAR*, const WCHAR* mount_point, PSECURITY_DESCRIPTOR, HANDLE* mount)
{
    fake::transport().mounted_at = mount_point;
    *mount = reinterpret_cast<HANDLE>(UINT_PTR{8});
    return fake::transport().mount_status;
}

void unmount(HANDLE) { fake::transport().unmounted = true; }
const char* error_text() { return ""; }

} // namespace fsp::transport
