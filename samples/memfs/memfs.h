// SPDX-License-Identifier: MIT
#pragma once

#include "node.h"
#include "slow_io.h"

#include <array>

namespace memfs {

struct Options
{
    bool case_insensitive = false;
    bool flush_and_purge_on_cleanup = false;
    UINT32 file_info_timeout = 0xFFFFFFFF;   // ms; 0xFFFFFFFF: never expires
    UINT32 max_nodes = 1024;                 // files, directories and streams, root included
    UINT64 max_file_size = 16 * 1024 * 1024; // bytes
    SlowIo::Settings slow_io;
    const WCHAR* file_system_name = FSP_L("-MEMFS");
    const WCHAR* root_sddl = FSP_L("O:BAG:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)");
    const WCHAR* volume_prefix = FSP_L(""); // not empty: a network volume
    // Tests take some of it away, to be like simpler file systems.
    bool persistent_acls = true;
    bool reparse_points = true;
    bool extended_attributes = true;
    bool posix_unlink_rename = true;
};

/// One in-memory volume: owns the FSP_FILE_SYSTEM whose operations it implements.
class Memfs
{
  public:
    /// @return STATUS_INVALID_SECURITY_DESCR if the root's SDDL is bad; what FspFileSystemCreate returns
    static NTSTATUS create(const Options& options, std::unique_ptr<Memfs>& result);
    ~Memfs();

    [[nodiscard]] FSP_FILE_SYSTEM* handle() const { return file_system_; }

  private:
    friend struct Operations;

    explicit Memfs(const Options& options);

    [[nodiscard]] UINT64 align(UINT64 size) const;
    NTSTATUS set_size(Node& node, UINT64 size, bool allocation);
    NTSTATUS apply_eas(Node& node, PFILE_FULL_EA_INFORMATION ea, ULONG length);
    std::shared_ptr<const Bytes> share(const void* security, std::size_t size);
    void fill(FSP_FSCTL_VOLUME_INFO& info);
    void report_open(Node& node, PVOID* context, FSP_FSCTL_FILE_INFO* info, NameView path);

    const Options options_;
    Tree tree_;
    SlowIo slow_io_;
    std::atomic<UINT64> next_index_{2};
    std::mutex mutex_; // label_, recent_security_
    Name label_ = FSP_L("MEMFS");
    std::array<std::shared_ptr<const Bytes>, 16> recent_security_;
    std::size_t next_security_ = 0;
    FSP_FILE_SYSTEM* file_system_ = nullptr;
};

} // namespace memfs
