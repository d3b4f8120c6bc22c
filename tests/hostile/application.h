// SPDX-License-Identifier: MIT
#pragma once

#include "bytes.h"

#include <atomic>
#include <string>

namespace hostile {

/// A program that does everything NT offers with the files of a volume, in no sensible order.
class Application
{
  public:
    /// @param patience how long, in ms, an asynchronous call may take before it is cancelled
    Application(std::u16string volume, Chance chance, int patience = 20)
        : volume_(std::move(volume)), chance_(chance), patience_(patience)
    {}
    ~Application();

    /// One call or a few.
    void step();
    /// Chance has no more to offer.
    bool spent() const { return chance_.spent(); }
    /// The first answer that held old memory or an impossible value, as a sentence; empty if none did.
    const std::string& complaint() const { return complaint_; }

  private:
    static constexpr int handle_count = 4;
    struct Handle
    {
        HANDLE value = nullptr;
        bool asynchronous = false;
    };

    std::u16string random_path();
    Handle& some() { return handles_[chance_.below(handle_count)]; }
    void close(Handle& handle);
    void open();
    void transfer();
    void query();
    void set();
    void rename();
    void list();
    void attributes();
    void security();
    void control();
    void oplock();
    void lock();
    void wait_for_something();
    void map();
    /// Waits for an asynchronous call, cancelling it when it takes long.
    NTSTATUS settle(const Handle& handle, NTSTATUS status, HANDLE event, IO_STATUS_BLOCK* io);
    void inspect(const char* what, const void* data, size_t size);

    std::u16string volume_;
    Chance chance_;
    int patience_;
    Handle handles_[handle_count];
    std::string complaint_;
    alignas(8) UINT8 buffer_[0x11000];
};

} // namespace hostile
