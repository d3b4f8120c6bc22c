// SPDX-License-Identifier: MIT
#pragma once

/// A volume whose file system is the test itself: requests are answered by a function, either from
/// dispatcher threads through TRANSACT or in line on the requestor's thread.

#ifndef WINFSP_SYS_INTERNAL
#define WINFSP_SYS_INTERNAL
#endif
#include <ntifs.h>
#include <winfsp/fsctl.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <ntos/boot.h>
#include <ntos/image.h>
#include <string>
#include <thread>
#include <vector>

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING);

namespace fsp::test {

/// The shipped driver, if the program is to run on it; null: the built-in one.
inline const ntos::Image* shipped_fsd()
{
    static const ntos::Image* const image = [] {
        const char* path = getenv("OPENFSP_DRIVER");
        std::string error;
        const ntos::Image* loaded = path ? ntos::load_image(path, &error).release() : nullptr; // for good
        EXPECT_EQ(error, "");
        return loaded;
    }();
    return image;
}

/// One loaded driver for the whole program.
inline void load_fsd()
{
    static const NTSTATUS status = [] {
        ntos::boot();
        return ntos::load_driver(u"WinFsp", shipped_fsd() ? shipped_fsd()->entry() : DriverEntry, nullptr);
    }();
    ASSERT_EQ(status, STATUS_SUCCESS);
}

inline NTSTATUS open_name(const std::u16string& text, ACCESS_MASK access, ULONG disposition, ULONG options,
                          ULONG share, HANDLE* handle, ULONG_PTR* information = nullptr)
{
    UNICODE_STRING name{static_cast<USHORT>(text.size() * 2), static_cast<USHORT>(text.size() * 2),
                        const_cast<WCHAR*>(text.data())};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    IO_STATUS_BLOCK io{};
    const NTSTATUS status = NtCreateFile(handle, access, &attributes, &io, nullptr, FILE_ATTRIBUTE_NORMAL,
                                         share, disposition, options, nullptr, 0);
    if (information)
        *information = io.Information;
    return status;
}

inline NTSTATUS control(HANDLE device, ULONG code, const void* in, ULONG in_size, void* out, ULONG out_size,
                        ULONG* returned = nullptr)
{
    HANDLE event = nullptr;
    NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE);
    IO_STATUS_BLOCK io{};
    NTSTATUS status = NtFsControlFile(device, event, nullptr, nullptr, &io, code, const_cast<void*>(in),
                                      in_size, out, out_size);
    if (status == STATUS_PENDING) {
        NtWaitForSingleObject(event, FALSE, nullptr);
        status = io.Status;
    }
    NtClose(event);
    if (returned)
        *returned = static_cast<ULONG>(io.Information);
    return status;
}

inline std::u16string params_path(const FSP_FSCTL_VOLUME_PARAMS& params, const char16_t* device)
{
    std::u16string path = device;
    path += u"\\VolumeParams=";
    const auto* bytes = reinterpret_cast<const unsigned char*>(&params);
    for (size_t i = 0; i < sizeof params; i++)
        path += static_cast<char16_t>(0xf000 | bytes[i]);
    return path;
}

enum class Dispatch
{
    none,
    queue,
    in_line
};

class Volume
{
  public:
    struct Entry
    {
        bool directory = false;
        UINT64 size = 0;
    };
    /// Fills the response for a request; false = no answer (the test answers itself later).
    using Handler = std::function<bool(const FSP_FSCTL_TRANSACT_REQ&, FSP_FSCTL_TRANSACT_RSP&)>;

    FSP_FSCTL_VOLUME_PARAMS params{};
    std::map<std::u16string, Entry> files;
    Handler handler; // before the default; null: default only
    std::mutex mutex;
    std::vector<UINT32> kinds; // of the requests, in order of arrival
    HANDLE control_handle = nullptr;
    std::u16string name;

    Volume()
    {
        params.Version = sizeof params;
        params.CaseSensitiveSearch = 1;
        params.NamedStreams = 1;
        files[u"\\"].directory = true;
    }
    ~Volume() { stop(); }

    bool loads_driver = true;
    void start(Dispatch how, const char16_t* device = u"\\Device\\WinFsp.Disk")
    {
        if (loads_driver)
            load_fsd();
        ASSERT_EQ(open_name(params_path(params, device), FILE_READ_ATTRIBUTES, FILE_OPEN, 0,
                            FILE_SHARE_READ | FILE_SHARE_WRITE, &control_handle),
                  STATUS_SUCCESS);
        WCHAR text[256]{};
        ASSERT_EQ(control(control_handle, FSP_FSCTL_VOLUME_NAME, nullptr, 0, text, sizeof text),
                  STATUS_SUCCESS);
        name = text;
        ASSERT_EQ(control(control_handle, FSP_FSCTL_TRANSACT, nullptr, 0, nullptr, 0), STATUS_SUCCESS);
        for (int i = 0; i < (how == Dispatch::none ? 0 : 2); i++)
            threads_.emplace_back([this] { serve(); });
        if (how == Dispatch::in_line) {
            ASSERT_EQ(set_inline(&dispatch), STATUS_SUCCESS);
        }
    }
    void stop()
    {
        if (!control_handle)
            return;
        set_inline(nullptr);
        control(control_handle, FSP_FSCTL_STOP0, nullptr, 0, nullptr, 0);
        for (auto& thread : threads_)
            thread.join();
        threads_.clear();
        control(control_handle, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
        NtClose(std::exchange(control_handle, nullptr));
    }

    /// The file system's process ends: its handle is closed, whatever is going on.
    void die()
    {
        NtClose(control_handle);
        for (auto& thread : threads_)
            thread.join();
        threads_.clear();
        control_handle = nullptr;
    }

    NTSTATUS open(const std::u16string& path, HANDLE* handle, ULONG disposition = FILE_OPEN,
                  ACCESS_MASK access = FILE_READ_DATA | SYNCHRONIZE,
                  ULONG options = FILE_SYNCHRONOUS_IO_NONALERT,
                  ULONG share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                  ULONG_PTR* information = nullptr)
    {
        return open_name(name + path, access, disposition, options, share, handle, information);
    }

    /// Takes one request as a dispatcher thread would; `in` answers earlier ones.
    NTSTATUS transact(std::vector<UINT64>& out, ULONG* size, const void* in = nullptr, ULONG in_size = 0)
    {
        out.assign(16384 / 8, 0);
        return control(control_handle, FSP_FSCTL_TRANSACT, in, in_size, out.data(),
                       static_cast<ULONG>(out.size() * 8), size);
    }
    /// Closes arrive after the handle is gone: waits until `count` requests of a kind have been seen.
    std::vector<UINT32> wait_for(UINT32 kind, long count)
    {
        std::unique_lock lock(mutex);
        arrived_.wait_for(lock, std::chrono::seconds(10),
                          [&] { return std::count(kinds.begin(), kinds.end(), kind) >= count; });
        return kinds;
    }
    std::vector<UINT32> kinds_seen()
    {
        std::lock_guard lock(mutex);
        return kinds;
    }

    bool answer(const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response)
    {
        memset(&response, 0, sizeof response);
        response.Size = sizeof response;
        response.Kind = request.Kind;
        response.Hint = request.Hint;
        {
            std::lock_guard lock(mutex);
            kinds.push_back(request.Kind);
        }
        arrived_.notify_all();
        if (handler)
            return handler(request, response);
        serve_default(request, response);
        return true;
    }
    void serve_default(const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response)
    {
        if (request.Kind != FspFsctlTransactCreateKind) {
            if (request.Kind == FspFsctlTransactOverwriteKind)
                response.Rsp.Overwrite.FileInfo.FileAttributes = FILE_ATTRIBUTE_ARCHIVE;
            if (request.Kind == FspFsctlTransactCleanupKind && request.Req.Cleanup.Delete) {
                std::lock_guard lock(mutex);
                files.erase(path_of(request));
            }
            return;
        }
        const std::u16string path = path_of(request);
        const ULONG disposition = request.Req.Create.CreateOptions >> 24;
        std::lock_guard lock(mutex);
        const bool exists = files.count(path) != 0;
        response.IoStatus.Information = FILE_OPENED;
        if (disposition == FILE_CREATE && exists) {
            response.IoStatus.Status = static_cast<UINT32>(STATUS_OBJECT_NAME_COLLISION);
            return;
        }
        if (!exists && (disposition == FILE_OPEN || disposition == FILE_OVERWRITE)) {
            response.IoStatus.Status = static_cast<UINT32>(STATUS_OBJECT_NAME_NOT_FOUND);
            return;
        }
        if (!exists) {
            files[path].directory = (request.Req.Create.CreateOptions & FILE_DIRECTORY_FILE) != 0;
            response.IoStatus.Information = FILE_CREATED;
        } else if (disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF) {
            response.IoStatus.Information = FILE_OVERWRITTEN;
        } else if (disposition == FILE_SUPERSEDE) {
            response.IoStatus.Information = FILE_SUPERSEDED;
        }
        auto& opened = response.Rsp.Create.Opened;
        opened.UserContext = std::hash<std::u16string>()(path);
        opened.UserContext2 = ++last_context_;
        opened.GrantedAccess = request.Req.Create.DesiredAccess | request.Req.Create.GrantedAccess;
        opened.FileInfo.FileAttributes =
            files[path].directory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
        opened.FileInfo.FileSize = files[path].size;
        opened.FileInfo.IndexNumber = opened.UserContext;
    }
    static std::u16string path_of(const FSP_FSCTL_TRANSACT_REQ& request)
    {
        return request.FileName.Size ? std::u16string(reinterpret_cast<const char16_t*>(
                                           request.Buffer + request.FileName.Offset))
                                     : std::u16string();
    }

  private:
    NTSTATUS set_inline(FSP_FSCTL_INLINE_DISPATCH routine)
    {
        FSP_FSCTL_INLINE_INFO info{routine, this, 64};
        IO_STATUS_BLOCK io{};
        return ZwFsControlFile(control_handle, nullptr, nullptr, nullptr, &io, FSP_FSCTL_INLINE, &info,
                               sizeof info, nullptr, 0);
    }
    static BOOLEAN NTAPI dispatch(PVOID context, FSP_FSCTL_TRANSACT_REQ* request,
                                  FSP_FSCTL_TRANSACT_RSP** response)
    {
        thread_local FSP_FSCTL_TRANSACT_RSP buffer;
        *response = &buffer;
        return static_cast<Volume*>(context)->answer(*request, buffer);
    }
    void serve()
    {
        std::vector<UINT64> out(16384 / 8);
        FSP_FSCTL_TRANSACT_RSP response{};
        ULONG response_size = 0;
        for (;;) {
            ULONG size = 0;
            if (!NT_SUCCESS(control(control_handle, FSP_FSCTL_TRANSACT, &response, response_size, out.data(),
                                    static_cast<ULONG>(out.size() * 8), &size)))
                return;
            response_size = 0;
            if (size && answer(*reinterpret_cast<FSP_FSCTL_TRANSACT_REQ*>(out.data()), response))
                response_size = response.Size;
        }
    }

    std::vector<std::thread> threads_;
    std::condition_variable arrived_;
    UINT64 last_context_ = 0;
};

} // namespace fsp::test
