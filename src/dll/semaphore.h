// SPDX-License-Identifier: MIT
//
// A counting semaphore that may be posted from where stop signals arrive.
#pragma once

#include "dll/dll.h"

#if !defined(_WIN32)
#include <semaphore.h>
#endif

namespace fsp::dll {

class Semaphore
{
  public:
#if defined(_WIN32)
    Semaphore() : handle_(CreateSemaphoreW(nullptr, 0, MAXLONG, nullptr)) {}
    void post() { ReleaseSemaphore(handle_, 1, nullptr); }
    void wait() { WaitForSingleObject(handle_, INFINITE); }
    bool try_wait() { return WaitForSingleObject(handle_, 0) == WAIT_OBJECT_0; }
    bool valid() const { return handle_ != nullptr; }
    /// Nobody does it for an object that lives as long as the process.
    void close() { CloseHandle(handle_); }

  private:
    HANDLE handle_;
#else
    Semaphore() { sem_init(&semaphore_, 0, 0); }
    void post() { sem_post(&semaphore_); }
    void wait()
    {
        while (sem_wait(&semaphore_) != 0)
            ;
    }
    bool try_wait() { return sem_trywait(&semaphore_) == 0; }
    bool valid() const { return true; }
    void close() { sem_destroy(&semaphore_); }

  private:
    sem_t semaphore_;
#endif
};

} // namespace fsp::dll
