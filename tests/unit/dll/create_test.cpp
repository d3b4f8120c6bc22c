// SPDX-License-Identifier: MIT
//
// The Create request over a file system that is a map of names.
#include <map>

#include <gtest/gtest.h>

#include "request_builder.h"

namespace {

using test::RequestBuilder;
using test::ResponseBuffer;

constexpr UINT32 directory = FILE_ATTRIBUTE_DIRECTORY;

/// A volume: names with their attributes. The functions below are its operations.
struct Volume : test::FileSystem
{
    std::map<std::u16string, UINT32> files = {{u"\\", directory}};
    std::u16string resolved_to;
    UINT32 resolved_from = ~0u;
    bool resolved_last = false;

    std::u16string called; ///< what was opened or created, and how
    UINT32 options = 0, granted = 0;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    std::u16string normalized;

    Volume()
    {
        object.UserContext = this;
        operations.GetSecurityByName = get_security;
        operations.Create = create;
        operations.Open = open;
        operations.Overwrite = overwrite;
    }

    static Volume& of(FSP_FILE_SYSTEM* fs) { return *static_cast<Volume*>(fs->UserContext); }

    static NTSTATUS get_security(FSP_FILE_SYSTEM* fs, PWSTR name, PUINT32 attributes,
                                 PSECURITY_DESCRIPTOR descriptor, SIZE_T* size)
    {
        const auto& files = of(fs).files;
        const auto found = files.find(name);
        if (found == files.end())
            return STATUS_OBJECT_NAME_NOT_FOUND;
        if (attributes != nullptr)
            *attributes = found->second;
        if (size != nullptr) {
            const SECURITY_DESCRIPTOR_RELATIVE empty = {
                SECURITY_DESCRIPTOR_REVISION, 0, SE_SELF_RELATIVE, 0, 0, 0, 0};
            if (*size < sizeof empty) {
                *size = sizeof empty;
                return STATUS_BUFFER_OVERFLOW;
            }
            if (descriptor != nullptr)
                std::memcpy(descriptor, &empty, sizeof empty);
            *size = sizeof empty;
        }
        return STATUS_SUCCESS;
    }

    NTSTATUS answer(PVOID* context, FSP_FSCTL_FILE_INFO* info)
    {
        *context = this;
        info->FileSize = 42;
        if (!normalized.empty()) {
            auto* open_info = FspFileSystemGetOpenFileInfo(info);
            open_info->NormalizedNameSize = static_cast<UINT16>(normalized.size() * sizeof(WCHAR));
            std::memcpy(open_info->NormalizedName, normalized.data(), open_info->NormalizedNameSize);
        }
        return STATUS_SUCCESS;
    }

    static NTSTATUS create(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32 options, UINT32 granted, UINT32 attributes,
                           PSECURITY_DESCRIPTOR descriptor, UINT64, PVOID* context, FSP_FSCTL_FILE_INFO* info)
    {
        Volume& v = of(fs);
        if (v.files.contains(name))
            return STATUS_OBJECT_NAME_COLLISION;
        v.files[name] = attributes;
        v.called = std::u16string(u"create ") + name;
        v.options = options;
        v.granted = granted;
        v.descriptor = descriptor;
        return v.answer(context, info);
    }

    static NTSTATUS open(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32 options, UINT32 granted, PVOID* context,
                         FSP_FSCTL_FILE_INFO* info)
    {
        Volume& v = of(fs);
        if (!v.files.contains(name))
            return STATUS_OBJECT_NAME_NOT_FOUND;
        v.called = std::u16string(u"open ") + name;
        v.options = options;
        v.granted = granted;
        return v.answer(context, info);
    }

    static NTSTATUS overwrite(FSP_FILE_SYSTEM*, PVOID, UINT32, BOOLEAN, UINT64, FSP_FSCTL_FILE_INFO*)
    {
        return STATUS_SUCCESS;
    }

    static NTSTATUS resolve(FSP_FILE_SYSTEM* fs, PWSTR, UINT32 index, BOOLEAN last, PIO_STATUS_BLOCK io,
                            PVOID buffer, PSIZE_T size)
    {
        Volume& v = of(fs);
        v.resolved_from = index;
        v.resolved_last = last;
        io->Information = 0;
        *size = v.resolved_to.size() * sizeof(WCHAR);
        std::memcpy(buffer, v.resolved_to.data(), *size);
        return STATUS_REPARSE;
    }
};

class Create : public testing::Test
{
  protected:
    /// Runs a request of a user mode caller with all privileges off but traverse.
    NTSTATUS run(const std::u16string& name, UINT32 disposition, UINT32 options = 0,
                 UINT32 access = FILE_READ_DATA)
    {
        RequestBuilder builder(FspFsctlTransactCreateKind);
        builder.name(name);
        auto& create = builder.request()->Req.Create;
        create.CreateOptions = disposition << 24 | options;
        create.DesiredAccess = access;
        create.UserMode = 1;
        create.HasTraversePrivilege = 1;
        if (const size_t colon = name.find(u':'); colon != name.npos)
            create.NamedStream = static_cast<UINT16>(colon * sizeof(WCHAR));
        if (change)
            change(create);
        return FspFileSystemOpCreate(&volume.object, builder.request(), response.get());
    }

    Volume volume;
    ResponseBuffer response;
    std::function<void(decltype(FSP_FSCTL_TRANSACT_REQ::Req.Create)&)> change;
};

TEST_F(Create, NeedsItsOperations)
{
    volume.operations.Open = nullptr;
    EXPECT_EQ(run(u"\\a", FILE_CREATE), STATUS_INVALID_DEVICE_REQUEST);
}

TEST_F(Create, CreatesANewFile)
{
    EXPECT_EQ(run(u"\\a", FILE_CREATE, 0, FILE_READ_DATA | DELETE), STATUS_SUCCESS);
    EXPECT_EQ(volume.called, u"create \\a");
    EXPECT_EQ(volume.granted, static_cast<UINT32>(FILE_READ_DATA | DELETE));
    EXPECT_NE(volume.descriptor, nullptr);
    EXPECT_EQ(fake::transport().access_asked, std::vector<ACCESS_MASK>{FILE_ADD_FILE});

    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_CREATED));
    const auto& opened = response->Rsp.Create.Opened;
    EXPECT_EQ(opened.UserContext, reinterpret_cast<UINT_PTR>(&volume));
    EXPECT_EQ(opened.UserContext2, 0u);
    EXPECT_EQ(opened.FileInfo.FileSize, 42u);
    EXPECT_EQ(opened.FileName.Size, 0);
    EXPECT_EQ(opened.HasSecurityDescriptor, 1u);
    EXPECT_EQ(opened.SecurityDescriptor.Offset, 0);
    EXPECT_EQ(response->Size, 128 + opened.SecurityDescriptor.Size);
}

TEST_F(Create, AsksForTheRightToAddADirectory)
{
    EXPECT_EQ(run(u"\\d", FILE_CREATE, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(fake::transport().access_asked, std::vector<ACCESS_MASK>{FILE_ADD_SUBDIRECTORY});
}

TEST_F(Create, GrantsAllIfTheMaximumIsAsked)
{
    EXPECT_EQ(run(u"\\a", FILE_CREATE, 0, MAXIMUM_ALLOWED), STATUS_SUCCESS);
    EXPECT_EQ(volume.granted, static_cast<UINT32>(FILE_ALL_ACCESS));
}

TEST_F(Create, KeepsWhatTheSystemHasGranted)
{
    change = [](auto& create) { create.GrantedAccess = ACCESS_SYSTEM_SECURITY; };
    volume.files[u"\\a"] = 0;
    EXPECT_EQ(run(u"\\a", FILE_OPEN), STATUS_SUCCESS);
    EXPECT_EQ(volume.granted, static_cast<UINT32>(ACCESS_SYSTEM_SECURITY | FILE_READ_DATA));
}

TEST_F(Create, RefusesImpossibleNewFiles)
{
    change = [](auto& create) { create.HasTrailingBackslash = 1; };
    EXPECT_EQ(run(u"\\a", FILE_CREATE), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(run(u"\\a:s", FILE_CREATE), STATUS_OBJECT_NAME_INVALID);
    change = [](auto& create) { create.FileAttributes = FILE_ATTRIBUTE_READONLY; };
    EXPECT_EQ(run(u"\\a", FILE_CREATE, FILE_DELETE_ON_CLOSE), STATUS_CANNOT_DELETE);
    EXPECT_EQ(run(u"\\a", 6), STATUS_INVALID_PARAMETER);
}

TEST_F(Create, OpensWithDeleteAccessForDeleteOnClose)
{
    volume.files[u"\\a"] = 0;
    EXPECT_EQ(run(u"\\a", FILE_OPEN, FILE_DELETE_ON_CLOSE), STATUS_SUCCESS);
    EXPECT_EQ(fake::transport().access_asked, (std::vector<ACCESS_MASK>{FILE_READ_DATA | DELETE}));
    // Checked, but not given: the caller did not ask for it.
    EXPECT_EQ(volume.granted, static_cast<UINT32>(FILE_READ_DATA));
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_OPENED));
    EXPECT_EQ(response->Rsp.Create.Opened.HasSecurityDescriptor, 0u);
}

TEST_F(Create, ReturnsTheDescriptorOfAnOpenOnlyIfWelcome)
{
    volume.files[u"\\a"] = 0;
    change = [](auto& create) { create.AcceptsSecurityDescriptor = 1; };
    EXPECT_EQ(run(u"\\a", FILE_OPEN), STATUS_SUCCESS);
    EXPECT_EQ(response->Rsp.Create.Opened.HasSecurityDescriptor, 1u);
}

TEST_F(Create, ReturnsTheNormalizedNameBeforeTheDescriptor)
{
    volume.normalized = u"\\AbC";
    EXPECT_EQ(run(u"\\abc", FILE_CREATE), STATUS_SUCCESS);
    const auto& opened = response->Rsp.Create.Opened;
    EXPECT_EQ(opened.FileName.Offset, 0);
    EXPECT_EQ(opened.FileName.Size, 8);
    EXPECT_EQ(std::memcmp(response->Buffer, u"\\AbC", 8), 0);
    EXPECT_EQ(opened.SecurityDescriptor.Offset, 8);
}

TEST_F(Create, OpenIfCreatesWhatIsMissing)
{
    EXPECT_EQ(run(u"\\a", FILE_OPEN_IF), STATUS_SUCCESS);
    EXPECT_EQ(volume.called, u"create \\a");
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_CREATED));
    EXPECT_EQ(run(u"\\a", FILE_OPEN_IF), STATUS_SUCCESS);
    EXPECT_EQ(volume.called, u"open \\a");
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_OPENED));
}

TEST_F(Create, OverwriteReportsWhatItWillDo)
{
    EXPECT_EQ(run(u"\\a", FILE_OVERWRITE), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(run(u"\\a", FILE_OVERWRITE_IF), STATUS_SUCCESS);
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_CREATED));
    EXPECT_EQ(run(u"\\a", FILE_OVERWRITE_IF), STATUS_SUCCESS);
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_OVERWRITTEN));
    EXPECT_EQ(fake::transport().access_asked.back(),
              static_cast<ACCESS_MASK>(FILE_READ_DATA | FILE_WRITE_DATA));
    EXPECT_EQ(volume.granted, static_cast<UINT32>(FILE_READ_DATA));
    EXPECT_EQ(run(u"\\a", FILE_SUPERSEDE), STATUS_SUCCESS);
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_SUPERSEDED));
    EXPECT_EQ(fake::transport().access_asked.back(), static_cast<ACCESS_MASK>(FILE_READ_DATA | DELETE));
}

TEST_F(Create, DeniedAccessIsFinal)
{
    volume.files[u"\\a"] = 0;
    fake::transport().access = [](ACCESS_MASK, ACCESS_MASK*) { return STATUS_ACCESS_DENIED; };
    EXPECT_EQ(run(u"\\a", FILE_OPEN, 0, FILE_WRITE_DATA), STATUS_ACCESS_DENIED);
    EXPECT_EQ(run(u"\\b", FILE_CREATE), STATUS_ACCESS_DENIED);
    EXPECT_EQ(volume.called, u"");
}

TEST_F(Create, ACollisionWithADirectorySaysSo)
{
    volume.files[u"\\d"] = directory;
    EXPECT_EQ(run(u"\\d", FILE_CREATE, FILE_NON_DIRECTORY_FILE), STATUS_FILE_IS_A_DIRECTORY);
    EXPECT_EQ(run(u"\\d", FILE_CREATE, FILE_DIRECTORY_FILE), STATUS_OBJECT_NAME_COLLISION);
}

TEST_F(Create, ReparsePointsAreResolved)
{
    volume.files[u"\\d"] = directory;
    volume.files[u"\\d\\l"] = FILE_ATTRIBUTE_REPARSE_POINT;
    EXPECT_EQ(run(u"\\d\\l", FILE_OPEN), STATUS_INVALID_DEVICE_REQUEST);

    volume.operations.ResolveReparsePoints = Volume::resolve;
    volume.resolved_to = u"\\??\\x";
    EXPECT_EQ(run(u"\\d\\l", FILE_OPEN), STATUS_REPARSE);
    EXPECT_EQ(volume.resolved_from, 3u);
    EXPECT_TRUE(volume.resolved_last);
    EXPECT_EQ(response->IoStatus.Information, 0u);
    EXPECT_EQ(response->Rsp.Create.Reparse.Buffer.Size, 10);
    EXPECT_EQ(response->Size, 128 + 10);

    // A new file in its place leads to where the link leads.
    volume.resolved_from = ~0u;
    EXPECT_EQ(run(u"\\d\\l", FILE_CREATE), STATUS_REPARSE);
    EXPECT_EQ(volume.resolved_from, 3u);
    EXPECT_EQ(run(u"\\d\\l", FILE_CREATE, FILE_OPEN_REPARSE_POINT), STATUS_OBJECT_NAME_COLLISION);

    // So does a stream of it that is not there.
    EXPECT_EQ(run(u"\\d\\l:s", FILE_OPEN), STATUS_REPARSE);
    EXPECT_EQ(run(u"\\d\\l:s", FILE_OPEN, FILE_OPEN_REPARSE_POINT), STATUS_OBJECT_NAME_NOT_FOUND);

    EXPECT_EQ(run(u"\\d\\l", FILE_OPEN, FILE_OPEN_REPARSE_POINT), STATUS_SUCCESS);
}

TEST_F(Create, OpensTheTargetDirectoryOfARename)
{
    change = [](auto& create) { create.OpenTargetDirectory = 1; };
    volume.files[u"\\d"] = directory;
    EXPECT_EQ(run(u"\\d\\new", FILE_OPEN, FILE_NON_DIRECTORY_FILE), STATUS_SUCCESS);
    EXPECT_EQ(volume.called, u"open \\d");
    EXPECT_EQ(volume.options & 0xffffff, static_cast<UINT32>(FILE_DIRECTORY_FILE));
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_DOES_NOT_EXIST));

    volume.files[u"\\old"] = 0;
    EXPECT_EQ(run(u"\\old", FILE_OPEN), STATUS_SUCCESS);
    EXPECT_EQ(volume.called, u"open \\");
    EXPECT_EQ(response->IoStatus.Information, static_cast<UINT32>(FILE_EXISTS));
}

TEST_F(Create, GivesTheContextAsTheVolumeAsksForIt)
{
    volume.object.UmFileContextIsUserContext2 = 1;
    EXPECT_EQ(run(u"\\a", FILE_CREATE), STATUS_SUCCESS);
    EXPECT_EQ(response->Rsp.Create.Opened.UserContext, 0u);
    EXPECT_EQ(response->Rsp.Create.Opened.UserContext2, reinterpret_cast<UINT_PTR>(&volume));

    volume.object.UmFileContextIsUserContext2 = 0;
    volume.object.UmFileContextIsFullContext = 1;
    volume.operations.Open = [](FSP_FILE_SYSTEM*, PWSTR, UINT32, UINT32, PVOID* context,
                                FSP_FSCTL_FILE_INFO*) {
        *reinterpret_cast<FSP_FSCTL_TRANSACT_FULL_CONTEXT*>(context) = {7, 9};
        return STATUS_SUCCESS;
    };
    EXPECT_EQ(run(u"\\a", FILE_OPEN), STATUS_SUCCESS);
    EXPECT_EQ(response->Rsp.Create.Opened.UserContext, 7u);
    EXPECT_EQ(response->Rsp.Create.Opened.UserContext2, 9u);
}

TEST_F(Create, PassesExtendedAttributesToCreateEx)
{
    static std::string seen;
    volume.operations.CreateEx = [](FSP_FILE_SYSTEM*, PWSTR, UINT32, UINT32, UINT32, PSECURITY_DESCRIPTOR,
                                    UINT64, PVOID extra, ULONG length, BOOLEAN reparse, PVOID*,
                                    FSP_FSCTL_FILE_INFO*) {
        seen = std::string(static_cast<char*>(extra), length) + (reparse ? "!" : "");
        return STATUS_SUCCESS;
    };
    RequestBuilder builder(FspFsctlTransactCreateKind);
    builder.name(u"\\a");
    const auto ea = builder.add("ea", 2);
    auto& create = builder.request()->Req.Create;
    create.Ea = ea;
    create.EaIsReparsePoint = 1;
    create.CreateOptions = FILE_CREATE << 24;
    EXPECT_EQ(FspFileSystemOpCreate(&volume.object, builder.request(), response.get()), STATUS_SUCCESS);
    EXPECT_EQ(seen, "ea!");
}

} // namespace
