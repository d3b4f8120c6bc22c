// SPDX-License-Identifier: MIT
#include "stress/served_volume.h"

#include "dll/inline_dispatch.h"
#include "dll/operation.h"
#include "dll/transport.h"
#include "ntos/process.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace fsp::stress {

namespace {

[[noreturn]] void give_up(const char* what, NTSTATUS status)
{
    std::fprintf(stderr, "%s: status 0x%08x\n", what, static_cast<unsigned>(status));
    std::exit(1);
}

} // namespace

ServedVolume::ServedVolume(const memfs::Options& options, int threads, bool in_line)
{
    process_ = ntos::create_process();
    if (process_ == nullptr)
        give_up("no process", STATUS_INSUFFICIENT_RESOURCES);
    const ntos::ProcessScope scope(process_);
    const NTSTATUS status = memfs::Memfs::create(options, memfs_);
    if (!NT_SUCCESS(status))
        give_up("no volume", status);
    FSP_FILE_SYSTEM* fs = memfs_->handle();
    device_ = fs->VolumeName;
    // A network volume's name ends with its prefix.
    if (const size_t end = device_.find(u'}'); end != std::u16string::npos)
        device_.resize(end + 1);
    FspFsctlTransact(fs->VolumeHandle, nullptr, 0, nullptr, nullptr, FALSE);
    if (in_line)
        transport::set_inline_dispatch(fs->VolumeHandle, dll::inline_dispatch, fs, 8);
    for (int i = 0; i < threads; i++)
        threads_.emplace_back([this] { serve(); });
}

ServedVolume::~ServedVolume()
{
    {
        const ntos::ProcessScope scope(process_);
        FspFsctlStop0(memfs_->handle()->VolumeHandle);
        for (auto& thread : threads_)
            thread.join();
        FspFsctlStop(memfs_->handle()->VolumeHandle);
        dll::stop_inline_dispatch(memfs_->handle());
        memfs_.reset();
    }
    ntos::terminate_process(process_);
    ObDereferenceObject(process_);
}

void ServedVolume::kill()
{
    end_operations();
    ntos::terminate_process(process_);
}

void ServedVolume::stop()
{
    end_operations();
    const ntos::ProcessScope scope(process_);
    FspFsctlStop(memfs_->handle()->VolumeHandle);
}

/// Requests that were taken and not begun stay without an answer. What is under way comes to its end: the
/// driver frees the buffers of requests that it gives up, and in this one address space the threads of a
/// process would outlive it, and write to them.
void ServedVolume::end_operations()
{
    ending_ = true;
    const std::lock_guard guard(operating_);
}

void ServedVolume::notify(std::u16string_view path, ULONG filter, ULONG action)
{
    alignas(8) char buffer[sizeof(FSP_FSCTL_NOTIFY_INFO) + 256];
    auto* info = reinterpret_cast<FSP_FSCTL_NOTIFY_INFO*>(buffer);
    const size_t bytes = path.size() * sizeof(WCHAR);
    info->Size = static_cast<UINT16>(sizeof *info + bytes);
    info->Filter = filter;
    info->Action = action;
    std::memcpy(info->FileNameBuf, path.data(), bytes);
    const ntos::ProcessScope scope(process_);
    if (NT_SUCCESS(FspFileSystemNotifyBegin(memfs_->handle(), 100))) {
        FspFileSystemNotify(memfs_->handle(), info, info->Size);
        FspFileSystemNotifyEnd(memfs_->handle());
    }
}

void ServedVolume::serve()
{
    struct Buffers
    {
        alignas(16) UINT8 request[FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN];
        alignas(16) UINT8 response[FSP_FSCTL_TRANSACT_RSP_SIZEMAX];
    };
    const ntos::ProcessScope scope(process_);
    const auto buffers = std::make_unique<Buffers>();
    auto* request = reinterpret_cast<FSP_FSCTL_TRANSACT_REQ*>(buffers->request);
    auto* response = reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(buffers->response);
    FSP_FILE_SYSTEM* fs = memfs_->handle();
    SIZE_T response_size = 0;
    for (;;) {
        SIZE_T request_size = sizeof buffers->request;
        const NTSTATUS status = FspFsctlTransact(fs->VolumeHandle, response_size != 0 ? response : nullptr,
                                                 response_size, request, &request_size, FALSE);
        if (!NT_SUCCESS(status))
            return;
        response_size = 0;
        const std::shared_lock guard(operating_);
        if (ending_)
            return;
        if (request_size != 0 && dll::run_operation(fs, request, response))
            response_size = response->Size;
    }
}

} // namespace fsp::stress
