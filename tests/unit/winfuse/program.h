// SPDX-License-Identifier: MIT
//
// A FUSE program under test, served on a thread of its own by a driver that is the test itself.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dll/fuse/fuse3_adapter.h"
#include "dll/fuse/information.h"
#include "request_builder.h"
#include "system_fake.h"

namespace test {

// Native error numbers, which are not those of Linux.
constexpr int no_entry = 2, access_denied = 13, exists = 17, invalid = 22, not_supported = 40, not_empty = 41;

inline struct fsp_fuse_env* native_env()
{
    static struct fsp_fuse_env env = {
        'W', std::malloc, std::free, [](int) { return 0; }, [](void*) { return 0; }, nullptr, nullptr, {}};
    return &env;
}

/// A file as the program knows it.
struct File
{
    UINT32 mode = 0100644;
    std::string data = {}; ///< or the target of a link
    UINT32 uid = 18, gid = 544;
    UINT32 device = 0, flags = 0;
    fuse_timespec accessed{1000, 0}, written{2000, 0}, changed{3000, 0}, born{4000, 500};
    std::map<std::string, std::string> attributes = {};
};

/// What all callbacks use. They run one after the other: the test asks one thing at a time.
struct World
{
    std::map<std::string, File> files = {{"/", {.mode = 0040755}}};
    std::vector<std::string> calls;
    std::vector<UINT32> callers; ///< uid in each call
    fuse_context context{};      ///< of the last call
    UINT32 want = 0;
    int below_links = -no_entry; ///< what getattr says below the link /l
    fuse_conn_info connection{};

    int see(const std::string& call);
    File* find(const std::string& path)
    {
        const auto found = files.find(path);
        return found != files.end() ? &found->second : nullptr;
    }
    /// The calls since the last time, one in a line.
    std::string seen();
};
World& world();

/// A table with everything that the world can do.
fuse_operations full_table();

/// From fuse_mount to fuse_destroy.
class Program
{
  public:
    explicit Program(const fuse_operations& on, std::vector<std::string> options = {},
                     bool multi_threaded = true);
    Program(const Program&) = delete;
    ~Program();

    /// What the driver was told of the volume.
    FSP_FSCTL_VOLUME_PARAMS params() const;
    fuse* get() const { return f_; }
    int result() const { return result_; }
    void stop();
    /// Ends the loop as Ctrl-C does, and with it all later ones of the process.
    void interrupt();

    struct Answer
    {
        fake::Bytes bytes;
        const FSP_FSCTL_TRANSACT_RSP* operator->() const
        {
            return reinterpret_cast<const FSP_FSCTL_TRANSACT_RSP*>(bytes.data());
        }
        NTSTATUS status() const { return static_cast<NTSTATUS>((*this)->IoStatus.Status); }
    };
    Answer ask(RequestBuilder request);

    struct Open
    {
        std::u16string name;
        UINT32 disposition = FILE_OPEN;
        UINT32 options = 0;
        UINT32 access = FILE_READ_DATA | FILE_WRITE_DATA;
        UINT32 attributes = 0;
        std::vector<UINT8> ea = {};
    };
    Answer open(const Open& how);
    /// The UserContext2 of an open that must succeed.
    UINT64 opened(const Open& how);
    /// A request about an open file.
    RequestBuilder about(UINT32 kind, UINT64 context);
    NTSTATUS close(UINT64 context);
    std::string read(UINT64 context, UINT64 offset, UINT32 length, NTSTATUS* status = nullptr);
    Answer write(UINT64 context, UINT64 offset, std::string data, bool constrained = false);
    std::vector<std::u16string> list(UINT64 context);

  private:
    void wait_until_served();

    fuse* f_ = nullptr;
    std::thread thread_;
    int result_ = -2;
    std::atomic<bool> ended_ = false;
    UINT64 hint_ = 0;
};

} // namespace test
