// SPDX-License-Identifier: MIT
//
// What the Linux kernel caches of a mount stays true when somebody else changes the volume: a native handle,
// or the file system itself.
#include "../conformance/frame/nt_file.h"
#include "host/system.h"
#include "memfs/memfs.h"
#include "ntos/verifier.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace {

using conformance::File;

constexpr std::size_t page = 4096;

/// An open file of Linux.
class Linux
{
  public:
    explicit Linux(const std::string& path, int flags = O_RDONLY) : fd_(open(path.c_str(), flags, 0666))
    {
        EXPECT_GE(fd_, 0) << path << ": " << strerror(errno);
    }
    Linux(const Linux&) = delete;
    ~Linux() { close(fd_); }

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] std::string read(off_t offset, std::size_t size) const
    {
        std::string data(size, 0);
        const ssize_t n = pread(fd_, data.data(), size, offset);
        data.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return data;
    }
    void write(off_t offset, std::string_view data) const
    {
        EXPECT_EQ(pwrite(fd_, data.data(), data.size(), offset), static_cast<ssize_t>(data.size()));
    }
    /// The kernel has the first page in its cache.
    [[nodiscard]] bool cached() const
    {
        void* const view = mmap(nullptr, page, PROT_READ, MAP_SHARED, fd_, 0);
        unsigned char resident = 0;
        EXPECT_EQ(mincore(view, page, &resident), 0);
        munmap(view, page);
        return (resident & 1) != 0;
    }

  private:
    int fd_;
};

/// The kernel is told of a change just after it happened.
template<class Condition> bool soon(Condition condition)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until)
            return false;
        std::this_thread::yield();
    }
    return true;
}

/// With OPENFSP_VERIFIER=1 the program fails if the verifier found something.
class Verifier : public testing::Environment
{
    void TearDown() override
    {
        namespace verifier = fsp::ntos::verifier;
        EXPECT_EQ(fsp::host::stop(), STATUS_SUCCESS);
        if (verifier::enabled) {
            EXPECT_EQ(verifier::findings(), 0u);
            EXPECT_EQ(verifier::check_pool_leaks(0), 0u);
        }
    }
};

[[maybe_unused]] testing::Environment* const environment = // gtest owns it
    testing::AddGlobalTestEnvironment(new Verifier);

class Coherence : public testing::Test
{
  protected:
    void SetUp() override
    {
        if (access("/dev/fuse", R_OK | W_OK) != 0)
            GTEST_SKIP() << "no /dev/fuse here";
        char folder[] = "/tmp/openfsp-coherence.XXXXXX";
        ASSERT_NE(mkdtemp(folder), nullptr);
        mount_ = folder;
        ASSERT_EQ(memfs::Memfs::create({}, memfs_), STATUS_SUCCESS);
        std::u16string point(mount_.begin(), mount_.end());
        ASSERT_EQ(FspFileSystemSetMountPoint(memfs_->handle(), point.data()), STATUS_SUCCESS);
        ASSERT_EQ(FspFileSystemStartDispatcher(memfs_->handle(), 0), STATUS_SUCCESS);
    }
    void TearDown() override
    {
        if (memfs_ != nullptr) {
            FspFileSystemRemoveMountPoint(memfs_->handle());
            FspFileSystemStopDispatcher(memfs_->handle());
        }
        rmdir(mount_.c_str());
    }

    /// A file of two pages of this letter, which the kernel caches.
    void make(const char* name, char letter)
    {
        Linux(path(name), O_CREAT | O_WRONLY).write(0, std::string(2 * page, letter));
        const Linux file(path(name));
        ASSERT_EQ(file.read(0, page), std::string(page, letter));
        ASSERT_TRUE(file.cached());
    }
    [[nodiscard]] std::string path(const char* name) const { return mount_ + "/" + name; }
    [[nodiscard]] File native(std::u16string_view name, ACCESS_MASK access) const
    {
        return File(std::u16string(memfs_->handle()->VolumeName) + u"\\" + std::u16string(name), access,
                    FILE_OPEN);
    }
    void notify(std::u16string_view name)
    {
        alignas(8) char buffer[256];
        auto* info = reinterpret_cast<FSP_FSCTL_NOTIFY_INFO*>(buffer);
        info->Size = static_cast<UINT16>(sizeof *info + name.size() * sizeof(WCHAR));
        info->Filter = FILE_NOTIFY_CHANGE_LAST_WRITE;
        info->Action = FILE_ACTION_MODIFIED;
        memcpy(info + 1, name.data(), name.size() * sizeof(WCHAR));
        ASSERT_EQ(FspFileSystemNotifyBegin(memfs_->handle(), 1000), STATUS_SUCCESS);
        EXPECT_EQ(FspFileSystemNotify(memfs_->handle(), info, info->Size), STATUS_SUCCESS);
        FspFileSystemNotifyEnd(memfs_->handle());
    }

    std::unique_ptr<memfs::Memfs> memfs_;
    std::string mount_;
};

TEST_F(Coherence, DataStaysCachedFromOneOpenToTheNext)
{
    make("file", 'a');
    EXPECT_TRUE(Linux(path("file")).cached());
    // Own changes change nothing about that.
    Linux(path("file"), O_WRONLY).write(10, "own");
    const Linux file(path("file"));
    EXPECT_TRUE(file.cached());
    EXPECT_EQ(file.read(9, 5), "aowna");
}

TEST_F(Coherence, NativeWriteShowsInOpenFileAndMapping)
{
    make("file", 'a');
    const Linux file(path("file"));
    const char* const view =
        static_cast<const char*>(mmap(nullptr, page, PROT_READ, MAP_SHARED, file.fd(), 0));
    ASSERT_EQ(view[100], 'a');

    File native_file = native(u"file", FILE_WRITE_DATA);
    for (const char letter : {'b', 'c', 'd'}) {
        ASSERT_EQ(native_file.write(0, std::string(page, letter)), STATUS_SUCCESS);
        EXPECT_TRUE(soon([&] { return file.read(100, 1)[0] == letter; }));
        EXPECT_TRUE(soon([&] { return *static_cast<const volatile char*>(view + 100) == letter; }));
    }
    munmap(const_cast<char*>(view), page);
}

TEST_F(Coherence, NativeWriteShowsAfterOwnWriteIsCached)
{
    make("file", 'a');
    const Linux file(path("file"), O_RDWR);
    file.write(0, std::string(page, 'b'));
    ASSERT_EQ(native(u"file", FILE_WRITE_DATA).write(0, "native"), STATUS_SUCCESS);
    EXPECT_TRUE(soon([&] { return file.read(0, 7) == "nativeb"; }));
}

TEST_F(Coherence, NativeChangeOfSizeShows)
{
    make("file", 'a');
    const Linux file(path("file"));
    File native_file = native(u"file", FILE_WRITE_DATA);
    ASSERT_EQ(native_file.set_end_of_file(10), STATUS_SUCCESS);
    EXPECT_TRUE(soon([&] { return file.read(0, page) == "aaaaaaaaaa"; }));
    ASSERT_EQ(native_file.write(10, "more"), STATUS_SUCCESS);
    EXPECT_TRUE(soon([&] { return file.read(0, page) == "aaaaaaaaaamore"; }));
    struct stat info{};
    EXPECT_TRUE(soon([&] { return stat(path("file").c_str(), &info) == 0 && info.st_size == 14; }));
}

TEST_F(Coherence, NativeWriteShowsInFileWithoutName)
{
    make("file", 'a');
    const Linux file(path("file"));
    File native_file = native(u"file", FILE_WRITE_DATA);
    ASSERT_EQ(unlink(path("file").c_str()), 0);
    ASSERT_EQ(file.read(0, 1), "a");
    ASSERT_EQ(native_file.write(0, "b"), STATUS_SUCCESS);
    EXPECT_TRUE(soon([&] { return file.read(0, 1) == "b"; }));
}

TEST_F(Coherence, NotificationDropsData)
{
    make("file", 'a');
    const Linux file(path("file"));
    notify(u"\\file");
    EXPECT_TRUE(soon([&] { return !file.cached(); }));
    EXPECT_EQ(file.read(0, 1), "a");
    EXPECT_TRUE(file.cached());
}

TEST_F(Coherence, CachedFileDoesNotStandInTheWay)
{
    make("file", 'a');
    {
        // Alone, as soon as Linux has closed its file; and to be gone when this is closed.
        File alone;
        EXPECT_TRUE(soon([&] {
            alone = File(std::u16string(memfs_->handle()->VolumeName) + u"\\file", DELETE, FILE_OPEN,
                         FILE_DELETE_ON_CLOSE, 0);
            return alone.status() == STATUS_SUCCESS;
        }));
    }
    EXPECT_TRUE(
        soon([&] { return native(u"file", FILE_READ_ATTRIBUTES).status() == STATUS_OBJECT_NAME_NOT_FOUND; }));
    EXPECT_TRUE(soon([&] { return access(path("file").c_str(), F_OK) != 0; }));
}

TEST_F(Coherence, NativeDeleteShowsWhenTheLastToCloseIsLinux)
{
    make("file", 'a');
    {
        const Linux file(path("file"));
        File(std::u16string(memfs_->handle()->VolumeName) + u"\\file", DELETE, FILE_OPEN,
             FILE_DELETE_ON_CLOSE);
        EXPECT_EQ(access(path("file").c_str(), F_OK), 0);
    }
    EXPECT_TRUE(soon([&] { return access(path("file").c_str(), F_OK) != 0; }));
}

TEST_F(Coherence, ListingOfAnOpenDirectoryIsTrueAfterRewind)
{
    make("file", 'a');
    DIR* const directory = opendir(mount_.c_str());
    ASSERT_NE(directory, nullptr);
    const auto count = [&] {
        rewinddir(directory);
        int entries = 0;
        while (readdir(directory) != nullptr)
            ++entries;
        return entries;
    };
    ASSERT_EQ(count(), 3);
    for (int i = 1; i != 4; ++i) {
        const std::u16string name = u"\\new" + std::u16string(1, static_cast<char16_t>('0' + i));
        ASSERT_EQ(File(memfs_->handle()->VolumeName + name, FILE_READ_DATA, FILE_CREATE).status(),
                  STATUS_SUCCESS);
        EXPECT_TRUE(soon([&] { return count() == 3 + i; }));
    }
    closedir(directory);
}

} // namespace
