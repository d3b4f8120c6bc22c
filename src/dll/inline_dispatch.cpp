// SPDX-License-Identifier: MIT
#include "dll/inline_dispatch.h"

#include <cstdlib>

#include "dll/operation.h"
#include "dll/os.h"
#include "dll/transport.h"

namespace fsp::dll {
namespace {

/// The response buffers of a thread, one for each depth: an operation that runs inline may use a file of
/// another file system (or of its own) before it answers.
class ResponseBuffers
{
  public:
    ~ResponseBuffers()
    {
        for (Buffer* buffer = first_; buffer != nullptr;) {
            Buffer* next = buffer->next;
            std::free(buffer);
            buffer = next;
        }
    }

    FSP_FSCTL_TRANSACT_RSP* enter()
    {
        Buffer** link = current_ == nullptr ? &first_ : &current_->next;
        if (*link == nullptr) {
            *link = static_cast<Buffer*>(std::malloc(sizeof(Buffer)));
            if (*link == nullptr)
                return nullptr;
            (*link)->next = nullptr;
            (*link)->outer = current_;
        }
        current_ = *link;
        return reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(current_->bytes);
    }

    void leave() { current_ = current_->outer; }

  private:
    struct Buffer
    {
        Buffer* next;
        Buffer* outer;
        alignas(16) UINT8 bytes[FSP_FSCTL_TRANSACT_RSP_SIZEMAX];
    };

    Buffer* first_ = nullptr;
    Buffer* current_ = nullptr; // in use by the innermost operation; null: none runs
};

thread_local ResponseBuffers buffers;

} // namespace

BOOLEAN NTAPI inline_dispatch(PVOID context, FSP_FSCTL_TRANSACT_REQ* request,
                              FSP_FSCTL_TRANSACT_RSP** response)
{
    FSP_FSCTL_TRANSACT_RSP* buffer = buffers.enter();
    if (buffer == nullptr) {
        thread_local FSP_FSCTL_TRANSACT_RSP bare;
        std::memset(&bare, 0, sizeof bare);
        bare.Size = sizeof bare;
        bare.Kind = request->Kind;
        bare.Hint = request->Hint;
        bare.IoStatus.Status = static_cast<UINT32>(STATUS_INSUFFICIENT_RESOURCES);
        *response = &bare;
        return TRUE;
    }
    const bool answered = run_operation(static_cast<FSP_FILE_SYSTEM*>(context), request, buffer);
    buffers.leave();
    *response = buffer;
    return answered;
}

void start_inline_dispatch(FSP_FILE_SYSTEM* fs, ULONG max_concurrency)
{
    const char* choice = os::environment("OPENFSP_INLINE");
    if (choice != nullptr && std::strcmp(choice, "0") == 0)
        return;
    transport::set_inline_dispatch(fs->VolumeHandle, inline_dispatch, fs, max_concurrency);
}

void stop_inline_dispatch(FSP_FILE_SYSTEM* fs)
{
    os::insist([&] { return transport::set_inline_dispatch(fs->VolumeHandle, nullptr, nullptr, 0); });
}

} // namespace fsp::dll
