// SPDX-License-Identifier: MIT
#include "volume.h"

#include "memfs/memfs.h"

#include <cstdlib>
#include <cstring>

namespace conformance {

Volume::Volume()
{
    memfs::Options options;
    options.max_nodes = 200'000;
    const char* wanted = getenv("CONFORMANCE_VOLUME");
    if (wanted != nullptr && strcmp(wanted, "-i") == 0)
        options.case_insensitive = ignores_case_ = true;
    if (wanted != nullptr && strncmp(wanted, "-t ", 3) == 0)
        options.file_info_timeout = static_cast<UINT32>(strtoul(wanted + 3, nullptr, 0));
    EXPECT_EQ(memfs::Memfs::create(options, memfs_), STATUS_SUCCESS);
    EXPECT_EQ(FspFileSystemStartDispatcher(memfs_->handle(), 4), STATUS_SUCCESS);
    device_ = memfs_->handle()->VolumeName;
}

Volume::~Volume()
{
    if (memfs_ != nullptr)
        FspFileSystemStopDispatcher(memfs_->handle());
}

void Volume::make(std::u16string_view name, std::string_view contents)
{
    File file = create(name);
    ASSERT_EQ(file.status(), STATUS_SUCCESS);
    if (!contents.empty()) {
        ASSERT_EQ(file.write(0, contents), STATUS_SUCCESS);
    }
}

} // namespace conformance
