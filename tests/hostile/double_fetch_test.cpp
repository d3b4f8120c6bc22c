// SPDX-License-Identifier: MIT
//
// Input that another thread changes while a call reads it. Every call captures what it needs once; whichever
// of both contents it has seen, it stays inside its own memory.
#include "file_system.h"
#include "replies.h"
#include "watchdog.h"

#include <winfsp/ntfsctl.h>

#include <functional>

#include <sys/mman.h>
#include <unistd.h>

namespace hostile {
namespace {

/// Memory that is mapped twice. A thread switches between two contents through one of the mappings; to the
/// other it is like another process's writing.
class Flipping
{
  public:
    static constexpr size_t size = 0x20000; // more than any 16-bit length reaches

    Flipping()
    {
        const int file = memfd_create("flipping", 0);
        EXPECT_EQ(ftruncate(file, size), 0);
        seen_ = static_cast<UINT8*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
        written_ = static_cast<UINT8*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
        close(file);
    }
    Flipping(const Flipping&) = delete;
    ~Flipping()
    {
        stop();
        munmap(seen_, size);
        munmap(written_, size);
    }

    void* data() { return seen_; }
    void start(std::vector<UINT8> one, std::vector<UINT8> other)
    {
        memcpy(written_, one.data(), one.size());
        thread_ = std::thread([this, one = std::move(one), other = std::move(other)] {
            while (!stopping_) {
                memcpy(written_, other.data(), other.size());
                memcpy(written_, one.data(), one.size());
            }
        });
    }
    void stop()
    {
        stopping_ = true;
        if (thread_.joinable())
            thread_.join();
        stopping_ = false;
    }

  private:
    UINT8* seen_;
    UINT8* written_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

template<class T> std::vector<UINT8> bytes_of(const T& value)
{
    const auto* bytes = reinterpret_cast<const UINT8*>(&value);
    return {bytes, bytes + sizeof value};
}

class DoubleFetch : public testing::Test
{
  protected:
    void SetUp() override
    {
        ASSERT_FALSE(file_system.volume().empty());
        for (HANDLE* handle : {&file, &directory})
            ASSERT_EQ(fsp::test::open_name(file_system.volume() + (handle == &file ? u"\\a" : u"\\d"),
                                           FILE_ALL_ACCESS, FILE_OPEN_IF, FILE_SYNCHRONOUS_IO_NONALERT,
                                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, handle),
                      STATUS_SUCCESS);
    }
    void TearDown() override
    {
        flipping.stop();
        NtClose(file);
        NtClose(directory);
        EXPECT_EQ(file_system.leak(), "");
    }

    /// Calls as often as is worth while: a window of two reads is a few instructions wide.
    void call(std::vector<UINT8> one, std::vector<UINT8> other, const std::function<void(void*)>& routine)
    {
        using Clock = std::chrono::steady_clock;
        flipping.start(std::move(one), std::move(other));
        const auto end = Clock::now() + std::chrono::milliseconds(150);
        while (Clock::now() < end)
            routine(flipping.data());
        flipping.stop();
    }
    void call_control(HANDLE handle, ULONG code, std::vector<UINT8> one, std::vector<UINT8> other, ULONG size)
    {
        call(std::move(one), std::move(other), [&](void* data) {
            fsp::test::control(handle, code, data, size, out.data(), static_cast<ULONG>(out.size()));
        });
    }

    Watchdog watchdog{120};
    FileSystem file_system{honest, 4};
    Flipping flipping;
    HANDLE file = nullptr, directory = nullptr;
    std::vector<UINT8> out = std::vector<UINT8>(1024);
    IO_STATUS_BLOCK io{};
};

TEST_F(DoubleFetch, ResponsesAndOtherControlCodesOfTheFileSystem)
{
    FSP_FSCTL_TRANSACT_RSP small{}, large{};
    small.Size = sizeof small;
    large.Size = 0xffff;
    small.Hint = large.Hint = ~0ull;
    for (const ULONG code : {FSP_FSCTL_TRANSACT, FSP_FSCTL_TRANSACT_BATCH, FSP_FSCTL_MOUNTDEV,
                             FSP_FSCTL_MOUNTMGR, FSP_FSCTL_VOLUME_LIST})
        call(bytes_of(small), bytes_of(large),
             [&](void* data) { fsp::test::control(file_system.handle(), code, data, 4096, nullptr, 0); });
    for (const ULONG code : {FSP_IOCTL_TRANSACT, FSP_IOCTL_TRANSACT_BATCH})
        call(bytes_of(small), bytes_of(large), [&](void* data) {
            NtDeviceIoControlFile(file_system.handle(), nullptr, nullptr, nullptr, &io, code, data, 4096,
                                  nullptr, 0);
        });
}

TEST_F(DoubleFetch, NotifyRecords)
{
    std::vector<UINT8> one(64), other(64);
    auto fill = [](std::vector<UINT8>& to, UINT16 size) {
        auto* info = reinterpret_cast<FSP_FSCTL_NOTIFY_INFO*>(to.data());
        *info = {size, FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED};
        memcpy(to.data() + sizeof *info, u"\\a\\b", 8);
    };
    fill(one, 20);
    fill(other, 0xffff);
    call_control(file_system.handle(), FSP_FSCTL_NOTIFY, one, other, 64);
}

TEST_F(DoubleFetch, ControlCodesOfApplications)
{
    const std::vector<UINT8> one{0x0c, 0, 0, 0xa0, 20, 0, 0,   0, 0,   0, 4,   0, 4,   0,
                                 4,    0, 0, 0,    0,  0, 'a', 0, 'a', 0, 'a', 0, 'a', 0};
    std::vector<UINT8> other = one;
    other[4] = other[5] = other[8] = other[9] = other[10] = other[11] = 0xff;
    const ULONG device_code = CTL_CODE(0x8321, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS);
    for (const ULONG code : {FSCTL_SET_REPARSE_POINT, FSCTL_DELETE_REPARSE_POINT,
                             FSCTL_GET_RETRIEVAL_POINTERS, FSCTL_REQUEST_OPLOCK})
        call_control(file, code, one, other, 28);
    call(one, other, [&](void* data) {
        NtDeviceIoControlFile(file, nullptr, nullptr, nullptr, &io, device_code, data, 28, out.data(), 100);
    });
}

TEST_F(DoubleFetch, ExtendedAttributes)
{
    const std::vector<UINT8> one{0, 0, 0, 0, 0, 1, 1, 0, 'A', 0, 7, 0, 0, 0, 0, 0};
    std::vector<UINT8> other = one;
    other[5] = 250, other[6] = other[7] = 0xff, other[0] = 12;
    call(one, other, [&](void* data) { NtSetEaFile(file, &io, data, 16); });
    call(one, other,
         [&](void* data) { NtQueryEaFile(file, &io, out.data(), 100, FALSE, data, 16, nullptr, TRUE); });
    call(one, other, [&](void* data) {
        std::u16string path = file_system.volume() + u"\\b";
        UNICODE_STRING name{static_cast<USHORT>(path.size() * 2), static_cast<USHORT>(path.size() * 2),
                            path.data()};
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, 0, nullptr, nullptr);
        HANDLE opened = nullptr;
        if (NT_SUCCESS(NtCreateFile(&opened, FILE_READ_DATA, &attributes, &io, nullptr, 0, 7, FILE_OPEN_IF, 0,
                                    data, 16)))
            NtClose(opened);
    });
}

TEST_F(DoubleFetch, SecurityDescriptors)
{
    // Everyone as owner; DACL of 8 bytes. The other claims 255 subauthorities and an ACL of 64 KiB.
    std::vector<UINT8> one{1, 0, 4, 0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0,
                           1, 1, 0, 0,    0,  0, 0, 1, 0, 0, 0, 0, 2, 0, 8, 0, 0,  0, 0, 0};
    std::vector<UINT8> other = one;
    other[21] = 15, other[34] = 0xfc, other[35] = 0xff;
    call(one, other, [&](void* data) {
        NtSetSecurityObject(file, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, data);
    });
    call(one, other, [&](void* data) {
        std::u16string path = file_system.volume() + u"\\b";
        UNICODE_STRING name{static_cast<USHORT>(path.size() * 2), static_cast<USHORT>(path.size() * 2),
                            path.data()};
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, 0, nullptr, data);
        HANDLE opened = nullptr;
        if (NT_SUCCESS(NtCreateFile(&opened, FILE_READ_DATA, &attributes, &io, nullptr, 0, 7, FILE_OPEN_IF, 0,
                                    nullptr, 0)))
            NtClose(opened);
    });
}

TEST_F(DoubleFetch, NamesAndInformation)
{
    // The structure itself is shared: length and pointer change.
    UNICODE_STRING small{2, 2, nullptr}, large{0xfffe, 0xfffe, nullptr};
    small.Buffer = large.Buffer =
        reinterpret_cast<WCHAR*>(static_cast<UINT8*>(flipping.data()) + sizeof(UNICODE_STRING));
    call(bytes_of(small), bytes_of(large), [&](void* data) {
        NtQueryDirectoryFile(directory, nullptr, nullptr, nullptr, &io, out.data(),
                             static_cast<ULONG>(out.size()), FileNamesInformation, FALSE,
                             static_cast<PUNICODE_STRING>(data), TRUE);
    });
    call(bytes_of(small), bytes_of(large), [&](void* data) {
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, static_cast<PUNICODE_STRING>(data), 0, directory, nullptr);
        HANDLE opened = nullptr;
        if (NT_SUCCESS(NtCreateFile(&opened, FILE_READ_DATA, &attributes, &io, nullptr, 0, 7, FILE_OPEN, 0,
                                    nullptr, 0)))
            NtClose(opened);
    });

    std::vector<UINT8> one(64), other(64);
    one[0] = other[0] = 1;
    one[16] = 2, other[16] = other[17] = other[18] = other[19] = 0xff; // FileNameLength
    one[20] = other[20] = 'x';
    call(one, other, [&](void* data) { NtSetInformationFile(file, &io, data, 64, FileRenameInformation); });
    one[0] = 2, other[0] = other[1] = other[2] = other[3] = 0xff; // VolumeLabelLength
    call(one, other,
         [&](void* data) { NtSetVolumeInformationFile(file, &io, data, 64, FileFsLabelInformation); });
}

} // namespace
} // namespace hostile
