// SPDX-License-Identifier: MIT

/// Loading and unloading the driver: the one that is built in or, with OPENFSP_DRIVER, a .sys file.

#include "../fsd/volume_fixture.h"

#include <fstream>
#include <ntos/exports.h>
#include <ntos/image.h>
#include <ntos/verifier.h>
#include <sys/mman.h>

using namespace fsp;
using namespace fsp::test;

namespace {

const char* driver_file() { return getenv("OPENFSP_DRIVER"); }

/// The driver while it lives.
class Loaded
{
  public:
    Loaded()
    {
        ntos::boot();
        std::string error;
        if (driver_file())
            image_ = ntos::load_image(driver_file(), &error);
        EXPECT_EQ(error, "");
        status = driver_file() && !image_
                     ? STATUS_INVALID_IMAGE_FORMAT
                     : ntos::load_driver(u"WinFsp", image_ ? image_->entry() : DriverEntry, &driver_);
        EXPECT_EQ(status, STATUS_SUCCESS);
    }
    ~Loaded()
    {
        if (NT_SUCCESS(status)) {
            EXPECT_EQ(ntos::unload_driver(driver_), STATUS_SUCCESS);
        }
    }
    NTSTATUS status;

  private:
    std::unique_ptr<ntos::Image> image_;
    PDRIVER_OBJECT driver_ = nullptr;
};

void use_a_volume(bool network = false)
{
    Volume volume;
    volume.loads_driver = false;
    if (network) {
        const char16_t prefix[] = u"\\server\\share";
        std::copy(std::begin(prefix), std::end(prefix), volume.params.Prefix);
    }
    volume.start(Dispatch::queue, network ? u"\\Device\\WinFsp.Net" : u"\\Device\\WinFsp.Disk");
    for (int i = 0; i < 2; i++) {
        HANDLE file = nullptr;
        ASSERT_EQ(
            volume.open(u"\\a", &file, FILE_OPEN_IF, FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE),
            STATUS_SUCCESS);
        IO_STATUS_BLOCK io{};
        FILE_BASIC_INFORMATION basic{};
        EXPECT_EQ(NtQueryInformationFile(file, &io, &basic, sizeof basic, FileBasicInformation),
                  STATUS_SUCCESS);
        NtClose(file);
    }
    volume.stop();
}

class NoLeaks : public testing::Test
{
    void TearDown() override
    {
        EXPECT_EQ(ntos::verifier::findings(), 0u);
        EXPECT_EQ(ntos::verifier::check_pool_leaks(0), 0u);
    }
};
using Load = NoLeaks;

class LoadWithout : public testing::WithParamInterface<const char*>, public NoLeaks
{};

/// A page that nobody may touch.
class ForbiddenPage
{
  public:
    ForbiddenPage() : address(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
    ~ForbiddenPage() { munmap(address, 4096); }
    void* address;
};

} // namespace

TEST_F(Load, UnloadsAndLoadsAgain)
{
    for (int i = 0; i < 3; i++) {
        Loaded driver;
        use_a_volume();
        use_a_volume(true);
    }
}

// Every routine that the driver looks up, and a kernel without all of them.
INSTANTIATE_TEST_SUITE_P(Routine, LoadWithout,
                         testing::Values("FsRtlCheckOplockEx", "FsRtlOplockFsctrlEx", "FsRtlOplockBreakH",
                                         "FsRtlOplockBreakToNoneEx", "FsRtlCurrentOplockH",
                                         "FsRtlOplockIsSharedRequest", "MmDoesFileHaveUserWritableReferences",
                                         "ZwUnloadDriver", "FsRtlGetEcpListFromIrp",
                                         "FsRtlFindExtraCreateParameter", "FsRtlIsEcpFromUserMode",
                                         "FsRtlRegisterUncProviderEx"),
                         [](const auto& info) { return info.param; });

TEST_P(LoadWithout, Works)
{
    ntos::HiddenRoutine hidden(GetParam());
    Loaded driver;
    use_a_volume();
    use_a_volume(true);
}

TEST_F(Load, WorksOnAKernelWithoutAnyOfThem)
{
    ntos::HiddenRoutine hidden[] = {
        ntos::HiddenRoutine("FsRtlCheckOplockEx"),
        ntos::HiddenRoutine("FsRtlOplockFsctrlEx"),
        ntos::HiddenRoutine("FsRtlOplockBreakH"),
        ntos::HiddenRoutine("FsRtlOplockBreakToNoneEx"),
        ntos::HiddenRoutine("FsRtlCurrentOplockH"),
        ntos::HiddenRoutine("FsRtlOplockIsSharedRequest"),
        ntos::HiddenRoutine("MmDoesFileHaveUserWritableReferences"),
        ntos::HiddenRoutine("ZwUnloadDriver"),
        ntos::HiddenRoutine("FsRtlGetEcpListFromIrp"),
        ntos::HiddenRoutine("FsRtlFindExtraCreateParameter"),
        ntos::HiddenRoutine("FsRtlIsEcpFromUserMode"),
        ntos::HiddenRoutine("FsRtlRegisterUncProviderEx"),
        ntos::HiddenRoutine("FsRtlRegisterUncProvider"),
    };
    Loaded driver;
    use_a_volume();
    use_a_volume(true);
}

TEST_F(Load, BadUserPointersEndInAStatus)
{
    Loaded driver;
    ForbiddenPage page;
    Volume volume;
    volume.loads_driver = false;
    volume.files[u"\\a"].size = 100;
    volume.start(Dispatch::queue);
    EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_NOTIFY, page.address, 64, nullptr, 0),
              STATUS_INVALID_USER_BUFFER);
    HANDLE file = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &file), STATUS_SUCCESS);
    IO_STATUS_BLOCK io{};
    LARGE_INTEGER start{};
    EXPECT_FALSE(
        NT_SUCCESS(NtReadFile(file, nullptr, nullptr, nullptr, &io, page.address, 100, &start, nullptr)));
    NtClose(file);
}

// The cache manager raises what reading a page ended with.
TEST_F(Load, RaisedStatusesReachTheCaller)
{
    Loaded driver;
    Volume volume;
    volume.loads_driver = false;
    volume.params.FileInfoTimeout = 0xffffffff;
    volume.files[u"\\a"].size = 100;
    volume.handler = [&](const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response) {
        volume.serve_default(request, response);
        if (request.Kind == FspFsctlTransactReadKind)
            response.IoStatus.Status = static_cast<UINT32>(STATUS_DEVICE_DATA_ERROR);
        return true;
    };
    volume.start(Dispatch::queue);
    HANDLE file = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &file), STATUS_SUCCESS);
    IO_STATUS_BLOCK io{};
    LARGE_INTEGER start{};
    char buffer[100];
    EXPECT_EQ(NtReadFile(file, nullptr, nullptr, nullptr, &io, buffer, sizeof buffer, &start, nullptr),
              STATUS_DEVICE_DATA_ERROR);
    NtClose(file);
}

TEST(Image, DamagedFilesAreRefused)
{
    if (!driver_file())
        GTEST_SKIP() << "needs a .sys file";
    std::ifstream stream(driver_file(), std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const std::string path = testing::TempDir() + "openfsp-damaged.sys";
    const auto error_of = [&](const std::string& bytes) {
        std::ofstream(path, std::ios::binary) << bytes;
        std::string error;
        EXPECT_EQ(ntos::load_image(path.c_str(), &error), nullptr);
        return error;
    };
    EXPECT_NE(error_of("").find("not a driver image"), std::string::npos);
    EXPECT_NE(error_of(good.substr(0, 300)), "");
    EXPECT_NE(error_of(good.substr(0, good.size() / 2)).find("damaged"), std::string::npos);
    std::string other = good;
    other[0x78 + 4] = 0x4c; // machine: i386
    other[0x78 + 5] = 0x01;
    EXPECT_NE(error_of(other).find("64-bit x86"), std::string::npos);
    {
        ntos::HiddenRoutine hidden("IoCreateDevice");
        EXPECT_NE(error_of(good).find("does not export IoCreateDevice"), std::string::npos);
    }
    remove(path.c_str());
    std::string error;
    EXPECT_EQ(ntos::load_image("/nonexistent.sys", &error), nullptr);
    EXPECT_EQ(error, "cannot read /nonexistent.sys");
}
