// SPDX-License-Identifier: MIT
#include "stress/world.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include <winfsp/ntfsctl.h>

namespace fsp::stress {

Open::~Open() { NtClose(handle); }

Pending::Pending(const char* of_kind) : kind(of_kind)
{
    iosb.Status = STATUS_PENDING;
    NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE);
}

Pending::~Pending() { NtClose(event); }

bool Pending::wait(int milliseconds) const
{
    LARGE_INTEGER limit;
    limit.QuadPart = -10'000LL * milliseconds;
    return NtWaitForSingleObject(event, FALSE, milliseconds < 0 ? nullptr : &limit) == STATUS_SUCCESS;
}

NTSTATUS Pending::end(NTSTATUS returned) const
{
    if (returned != STATUS_PENDING)
        return returned;
    wait(-1);
    return iosb.Status;
}

// ---- Acknowledger -------------------------------------------------------------------------------------

Acknowledger::Acknowledger()
{
    NtCreateEvent(&changed_, EVENT_ALL_ACCESS, nullptr, SynchronizationEvent, FALSE);
    thread_ = std::thread([this] { run(); });
}

Acknowledger::~Acknowledger()
{
    {
        const std::lock_guard guard(lock_);
        ending_ = true;
    }
    NtSetEvent(changed_, nullptr);
    thread_.join();
    NtClose(changed_);
}

void Acknowledger::watch(Oplock oplock)
{
    {
        const std::lock_guard guard(lock_);
        added_.push_back(std::move(oplock));
    }
    NtSetEvent(changed_, nullptr);
}

void Acknowledger::run()
{
    for (;;) {
        {
            const std::lock_guard guard(lock_);
            while (!added_.empty()) {
                oplocks_.push_back(std::move(added_.front()));
                added_.pop_front();
            }
            // The files are closed by then, so every request comes to its end.
            if (ending_ && oplocks_.empty())
                return;
        }
        if (!wait())
            continue;
        for (size_t i = 0; i < oplocks_.size();) {
            if (!oplocks_[i].request->wait(0)) {
                i++;
                continue;
            }
            const Oplock broken = std::move(oplocks_[i]);
            oplocks_.erase(oplocks_.begin() + static_cast<std::ptrdiff_t>(i));
            acknowledge(broken);
        }
    }
}

/// @return true if an oplock may have been broken
bool Acknowledger::wait()
{
    std::array<HANDLE, MAXIMUM_WAIT_OBJECTS> handles;
    handles[0] = changed_;
    const size_t count = std::min(oplocks_.size(), handles.size() - 1);
    for (size_t i = 0; i < count; i++)
        handles[i + 1] = oplocks_[i].request->event;
    // There may be more of them than one call can wait for.
    LARGE_INTEGER limit;
    limit.QuadPart = -100'000;
    return NtWaitForMultipleObjects(static_cast<ULONG>(count + 1), handles.data(), WaitAny, FALSE,
                                    count < oplocks_.size() ? &limit : nullptr) != STATUS_WAIT_0;
}

void Acknowledger::acknowledge(const Oplock& broken)
{
    const OpenPtr file = broken.file.lock();
    if (!file || !NT_SUCCESS(broken.request->iosb.Status))
        return; // closing acknowledges, too
    Oplock next{std::make_unique<Pending>("acknowledgement"), file, broken.granular};
    NTSTATUS status;
    if (broken.granular) {
        const auto* output = reinterpret_cast<const REQUEST_OPLOCK_OUTPUT_BUFFER*>(broken.request->buffer);
        REQUEST_OPLOCK_INPUT_BUFFER input{};
        input.StructureVersion = REQUEST_OPLOCK_CURRENT_VERSION;
        input.StructureLength = sizeof input;
        input.RequestedOplockLevel = random_() % 2 ? output->NewOplockLevel : 0;
        input.Flags = REQUEST_OPLOCK_INPUT_FLAG_ACK;
        status = NtFsControlFile(file->handle, next.request->event, nullptr, nullptr, &next.request->iosb,
                                 FSCTL_REQUEST_OPLOCK, &input, sizeof input, next.request->buffer,
                                 sizeof next.request->buffer);
    } else {
        constexpr ULONG codes[] = {FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, FSCTL_OPLOCK_BREAK_ACK_NO_2};
        status = NtFsControlFile(file->handle, next.request->event, nullptr, nullptr, &next.request->iosb,
                                 codes[random_() % 2], nullptr, 0, nullptr, 0);
    }
    if (status == STATUS_PENDING)
        oplocks_.push_back(std::move(next));
}

// ---- World --------------------------------------------------------------------------------------------

World::World(uint64_t seed, bool in_line) : in_line_(in_line)
{
    Random random(seed);
    for (auto& v : volumes_)
        v = make(random);
}

std::shared_ptr<ServedVolume> World::make(Random& random) const
{
    constexpr UINT32 timeouts[] = {0, 1000, 0xFFFFFFFF};
    memfs::Options options;
    options.case_insensitive = random() % 2;
    options.flush_and_purge_on_cleanup = random() % 4 == 0;
    options.file_info_timeout = timeouts[random() % 3];
    options.max_nodes = 64;
    options.max_file_size = 1024 * 1024;
    return std::make_shared<ServedVolume>(options, 2 + static_cast<int>(random() % 3),
                                          in_line_ && random() % 2);
}

std::shared_ptr<ServedVolume> World::volume(Random& random)
{
    const std::lock_guard guard(lock_);
    return volumes_[random() % volumes_.size()];
}

void World::replace(Random& random, bool kill)
{
    std::shared_ptr<ServedVolume> v = make(random);
    {
        const std::lock_guard guard(lock_);
        std::swap(v, volumes_[random() % volumes_.size()]);
    }
    if (kill)
        v->kill();
    else
        v->stop();
}

OpenPtr World::shared(Random& random)
{
    const std::lock_guard guard(lock_);
    return files_[random() % files_.size()];
}

void World::share(Random& random, OpenPtr file)
{
    // The one whose place it takes may be closed for the last time: not under the lock.
    const std::lock_guard guard(lock_);
    std::swap(file, files_[random() % files_.size()]);
}

void World::wrong(const char* format, ...)
{
    mistakes_++;
    va_list arguments;
    va_start(arguments, format);
    std::vfprintf(stderr, format, arguments);
    va_end(arguments);
    std::fputc('\n', stderr);
}

} // namespace fsp::stress
