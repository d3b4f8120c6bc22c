// SPDX-License-Identifier: MIT
#include "volume.h"

#include "check.h"

#include <algorithm>

namespace conformance {

namespace {

/// FSCTL of this product: the volume is one of its own.
constexpr ULONG query_winfsp =
    CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800 + '?', METHOD_BUFFERED, FILE_ANY_ACCESS);

struct UnderTest
{
    std::u16string directory;
    std::u16string on_volume; // the directory's name without its device
    ULONG attributes = 0;
    bool ours = false;
    bool network = false;
};

UnderTest& under_test()
{
    static UnderTest value;
    return value;
}

void remove_tree(const std::u16string& path, bool directory)
{
    constexpr ULONG as_is = FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT;
    if (directory)
        for (const Entry& entry : File(path, FILE_LIST_DIRECTORY, FILE_OPEN, as_is).entries())
            if (entry.name != u"." && entry.name != u"..")
                remove_tree(path + u"\\" + entry.name, (entry.attributes & FILE_ATTRIBUTE_DIRECTORY) != 0);
    const auto remove = [&] { return File(path, DELETE, FILE_OPEN, as_is | FILE_DELETE_ON_CLOSE).status(); };
    if (remove() != STATUS_CANNOT_DELETE)
        return;
    FILE_BASIC_INFORMATION basic{};
    basic.FileAttributes = FILE_ATTRIBUTE_NORMAL; // it was read-only
    File(path, FILE_WRITE_ATTRIBUTES, FILE_OPEN, as_is).set(FileBasicInformation, &basic, sizeof basic);
    remove();
}

} // namespace

void Volume::use(std::u16string_view root)
{
    UnderTest& volume = under_test();
    volume.directory = root;
    File directory(volume.directory + u"\\", FILE_READ_ATTRIBUTES, FILE_OPEN, FILE_DIRECTORY_FILE);
    IO_STATUS_BLOCK block{};
    alignas(8) std::uint8_t buffer[2048]{};
    if (NT_SUCCESS(NtQueryVolumeInformationFile(directory.handle(), &block, buffer, sizeof buffer,
                                                FileFsAttributeInformation)))
        volume.attributes = reinterpret_cast<FILE_FS_ATTRIBUTE_INFORMATION*>(buffer)->FileSystemAttributes;
    if (NT_SUCCESS(directory.query(FileNameInformation, buffer, sizeof buffer)))
        volume.on_volume = name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer));
    if (volume.on_volume.ends_with(u'\\'))
        volume.on_volume.pop_back();
    volume.ours = NT_SUCCESS(directory.control(query_winfsp, nullptr, 0, nullptr, 0));
    FILE_FS_DEVICE_INFORMATION device{};
    if (NT_SUCCESS(NtQueryVolumeInformationFile(directory.handle(), &block, &device, sizeof device,
                                                FileFsDeviceInformation)))
        volume.network = (device.Characteristics & FILE_REMOTE_DEVICE) != 0;
}

Volume::~Volume()
{
    if (!directory_.empty())
        remove_tree(directory_, true);
}

void Volume::begin(const std::string& name)
{
    directory_ = under_test().directory + u"\\" + std::u16string(name.begin(), name.end());
    remove_tree(directory_, true); // of a run that was killed
    const File made(directory_, FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE);
    REQUIRE_EQ(made.status(), STATUS_SUCCESS) << directory_;
}

bool Volume::is_ours() const { return under_test().ours; }

bool Volume::is_network() const { return under_test().network; }

std::u16string Volume::path(std::u16string_view name) const
{
    return name.empty() ? directory_ : directory_ + u"\\" + std::u16string(name);
}

std::u16string Volume::name_on_volume(std::u16string_view name) const
{
    return under_test().on_volume + path(name).substr(under_test().directory.size());
}

std::u16string Volume::root() const
{
    const UnderTest& volume = under_test();
    std::u16string result = volume.directory.substr(0, volume.directory.size() - volume.on_volume.size());
    if (volume.network) { // \server\share is part of both names
        const auto server = volume.on_volume.find(u'\\', 1);
        result += volume.on_volume.substr(0, volume.on_volume.find(u'\\', server + 1));
    }
    return result + u"\\";
}

void Volume::make(std::u16string_view name, std::string_view contents, ULONG attributes)
{
    File file(path(name), FILE_WRITE_DATA, FILE_CREATE, 0, share_all, attributes);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS) << std::u16string(name);
    if (!contents.empty()) {
        REQUIRE_EQ(file.write(0, contents), STATUS_SUCCESS);
    }
}

void Volume::make_directory(std::u16string_view name)
{
    REQUIRE_EQ(create(name, FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(), STATUS_SUCCESS)
        << std::u16string(name);
}

std::vector<std::u16string> Volume::names(std::u16string_view directory)
{
    std::vector<std::u16string> result = open(directory, FILE_LIST_DIRECTORY).list();
    std::erase(result, u".");
    std::erase(result, u"..");
    std::sort(result.begin(), result.end());
    return result;
}

bool Volume::supports(ULONG attributes) const { return (under_test().attributes & attributes) == attributes; }

void Volume::need(ULONG attributes) const
{
    if (!supports(attributes))
        SKIP("the volume does not have this feature");
}

} // namespace conformance
