// SPDX-License-Identifier: MIT
//
// FspAccessCheckEx and the descriptor exports over a file system made of a table, with a transport of their
// own that knows one caller.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "dll/dll.h"
#include "dll/transport.h"
#include "nt/object_security.h"
#include "nt/rtl.h"
#include "nt/sddl.h"

using namespace fsp::nt;

namespace {

const SidBuffer alice{22, {1, 1001}}, staff{22, {1, 100}};
SID_AND_ATTRIBUTES alices_groups[] = {{sids::everyone.psid(), SE_GROUP_ENABLED}};

TokenView alices_token()
{
    TokenView token;
    token.user = {alice.psid(), 0};
    token.groups = alices_groups;
    token.group_count = 1;
    token.primary_group = staff.get();
    return token;
}

} // namespace

namespace fsp::transport {

NTSTATUS access_check(HANDLE, PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired, ACCESS_MASK* granted)
{
    return nt::access_check(alices_token(), descriptor, desired, 0, file_generic_mapping, granted);
}

NTSTATUS create_object_security(HANDLE, PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
                                bool directory, PSECURITY_DESCRIPTOR* descriptor)
{
    return nt::create_object_security(parent, creator, directory, 0, alices_token(), file_generic_mapping,
                                      descriptor);
}

void free_object_security(PSECURITY_DESCRIPTOR descriptor) { nt::free_descriptor(descriptor); }

} // namespace fsp::transport

namespace {

struct File
{
    UINT32 attributes = 0;
    std::vector<UCHAR> security;
};

std::map<WideString, File> files;
std::vector<WideString> asked;

void put(const WCHAR* name, UINT32 attributes, WideView sddl)
{
    File& file = files[name];
    file.attributes = attributes;
    file.security.clear();
    if (sddl.empty())
        return;
    void* descriptor;
    ULONG size;
    ASSERT_EQ(parse_sddl(sddl, &descriptor, &size), STATUS_SUCCESS);
    file.security.assign(static_cast<UCHAR*>(descriptor), static_cast<UCHAR*>(descriptor) + size);
    std::free(descriptor);
}

NTSTATUS get_security_by_name(FSP_FILE_SYSTEM*, PWSTR name, PUINT32 attributes,
                              PSECURITY_DESCRIPTOR descriptor, SIZE_T* size)
{
    asked.push_back(name);
    const auto found = files.find(name);
    if (found == files.end())
        return STATUS_OBJECT_NAME_NOT_FOUND;
    const File& file = found->second;
    if (attributes)
        *attributes = file.attributes;
    if (size) {
        const SIZE_T capacity = *size;
        *size = file.security.size();
        if (file.security.size() > capacity)
            return STATUS_BUFFER_OVERFLOW;
        if (descriptor && !file.security.empty())
            std::memcpy(descriptor, file.security.data(), file.security.size());
    }
    return STATUS_SUCCESS;
}

template<class Function> auto tag(Function* function)
{
    return reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void (*)()>(function));
}

constexpr auto open_dir = u"O:BAG:BAD:(A;;FA;;;WD)";
constexpr auto nothing = u"O:BAG:BAD:";

class AccessCheckEx : public testing::Test
{
  protected:
    void SetUp() override
    {
        files.clear();
        asked.clear();
        put(u"\\", FILE_ATTRIBUTE_DIRECTORY, open_dir);
        put(u"\\dir", FILE_ATTRIBUTE_DIRECTORY, open_dir);
        interface_.GetSecurityByName = get_security_by_name;
        fs_.Interface = &interface_;
    }

    /// A request for `name` by a user-mode caller with SeChangeNotifyPrivilege.
    FSP_FSCTL_TRANSACT_REQ& request(const WCHAR* name, UINT32 options = 0)
    {
        std::memset(storage_, 0, sizeof storage_);
        auto* const req = reinterpret_cast<FSP_FSCTL_TRANSACT_REQ*>(storage_);
        req->Kind = FspFsctlTransactCreateKind;
        req->Req.Create.UserMode = 1;
        req->Req.Create.HasTraversePrivilege = 1;
        req->Req.Create.CreateOptions = options;
        std::memcpy(req->Buffer, name, (length(name) + 1) * sizeof(WCHAR));
        return *req;
    }

    NTSTATUS check(FSP_FSCTL_TRANSACT_REQ& req, UINT32 desired, bool parent_or_main = false,
                   bool traverse = false)
    {
        const WideString before = reinterpret_cast<WCHAR*>(req.Buffer);
        const NTSTATUS status =
            FspAccessCheckEx(&fs_, &req, parent_or_main, traverse, desired, &granted, nullptr);
        EXPECT_EQ(WideString(reinterpret_cast<WCHAR*>(req.Buffer)), before); // names are given back whole
        return status;
    }

    FSP_FILE_SYSTEM fs_{};
    FSP_FILE_SYSTEM_INTERFACE interface_{};
    alignas(8) UCHAR storage_[4096];
    UINT32 granted = 0;
};

} // namespace

TEST_F(AccessCheckEx, OnlyCreateRequests)
{
    auto& req = request(u"\\dir");
    req.Kind = FspFsctlTransactReadKind;
    EXPECT_EQ(check(req, 1), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(check(request(u"\\"), 1, true), STATUS_INVALID_PARAMETER);
}

TEST_F(AccessCheckEx, WithoutGetSecurityByNameAllIsGranted)
{
    interface_.GetSecurityByName = nullptr;
    EXPECT_EQ(check(request(u"\\x"), FILE_READ_DATA), STATUS_SUCCESS);
    EXPECT_EQ(granted, UINT32{FILE_READ_DATA});
    EXPECT_EQ(check(request(u"\\x"), MAXIMUM_ALLOWED), STATUS_SUCCESS);
    EXPECT_EQ(granted, UINT32{FILE_ALL_ACCESS});
}

TEST_F(AccessCheckEx, KernelModeAsksOnlyForADescriptor)
{
    put(u"\\f", 0, nothing);
    auto& req = request(u"\\f");
    req.Req.Create.UserMode = 0;
    EXPECT_EQ(check(req, FILE_WRITE_DATA), STATUS_SUCCESS);
    EXPECT_TRUE(asked.empty());
    PSECURITY_DESCRIPTOR descriptor;
    EXPECT_EQ(FspAccessCheckEx(&fs_, &req, FALSE, FALSE, FILE_WRITE_DATA, &granted, &descriptor),
              STATUS_SUCCESS);
    EXPECT_EQ(granted, UINT32{FILE_WRITE_DATA});
    EXPECT_TRUE(RtlValidSecurityDescriptor(descriptor));
    FspDeleteSecurityDescriptor(descriptor, tag(FspAccessCheckEx));
}

TEST_F(AccessCheckEx, DescriptorDecides)
{
    put(u"\\f", 0, u"O:BAG:BAD:(A;;FR;;;WD)");
    EXPECT_EQ(check(request(u"\\f"), FILE_READ_DATA), STATUS_SUCCESS);
    EXPECT_EQ(check(request(u"\\f"), FILE_WRITE_DATA), STATUS_ACCESS_DENIED);
    EXPECT_EQ(granted, 0u);
    put(u"\\g", 0, u"");
    EXPECT_EQ(check(request(u"\\g"), MAXIMUM_ALLOWED), STATUS_SUCCESS);
    EXPECT_EQ(granted, UINT32{FILE_ALL_ACCESS});
    put(u"\\h", 0, nothing);
    EXPECT_EQ(check(request(u"\\h"), 0), STATUS_SUCCESS);
    EXPECT_EQ(check(request(u"\\missing"), 1), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(AccessCheckEx, LargeDescriptorIsAskedForAgain)
{
    WideString sddl = u"O:BAG:BAD:";
    for (int i = 0; i < 100; ++i)
        sddl += u"(A;;0x1;;;S-1-5-21-1-2-3-4)";
    put(u"\\f", 0, sddl + u"(A;;0x2;;;WD)");
    EXPECT_EQ(check(request(u"\\f"), FILE_WRITE_DATA), STATUS_SUCCESS);
    EXPECT_EQ(asked.size(), 2u);
}

TEST_F(AccessCheckEx, MalformedDescriptorIsRefused)
{
    put(u"\\f", 0, open_dir);
    files[u"\\f"].security[4] = 0xFC; // the owner beyond the end
    EXPECT_EQ(check(request(u"\\f"), 1), STATUS_INVALID_SECURITY_DESCR);
}

TEST_F(AccessCheckEx, TraverseChecksEveryDirectoryAbove)
{
    put(u"\\dir\\sub", FILE_ATTRIBUTE_DIRECTORY, open_dir);
    put(u"\\dir\\sub\\f", 0, open_dir);
    auto& req = request(u"\\dir\\sub\\f");
    req.Req.Create.HasTraversePrivilege = 0;
    EXPECT_EQ(check(req, 1, false, true), STATUS_SUCCESS);
    EXPECT_EQ(asked, (std::vector<WideString>{u"\\", u"\\dir", u"\\dir\\sub", u"\\dir\\sub\\f"}));
    put(u"\\dir", FILE_ATTRIBUTE_DIRECTORY, nothing);
    EXPECT_EQ(check(req, 1, false, true), STATUS_ACCESS_DENIED);
    put(u"\\dir", FILE_ATTRIBUTE_DIRECTORY, u"");
    EXPECT_EQ(check(req, 1, false, true), STATUS_SUCCESS);
    put(u"\\dir", 0, open_dir);
    EXPECT_EQ(check(req, 1, false, true), STATUS_OBJECT_PATH_NOT_FOUND);
    files.erase(u"\\dir\\sub");
    put(u"\\dir", FILE_ATTRIBUTE_DIRECTORY, open_dir);
    EXPECT_EQ(check(req, 1, false, true), STATUS_OBJECT_PATH_NOT_FOUND);
    put(u"\\dir\\sub", FILE_ATTRIBUTE_REPARSE_POINT, nothing);
    EXPECT_EQ(check(req, 1, false, true), STATUS_REPARSE);
    EXPECT_EQ(granted, 5u);
    put(u"\\dir", FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY, nothing);
    EXPECT_EQ(check(req, 1, false, true), STATUS_REPARSE);
    EXPECT_EQ(granted, 0u);
}

TEST_F(AccessCheckEx, ParentCheckIsAboutTheDirectory)
{
    EXPECT_EQ(check(request(u"\\dir\\new"), FILE_ADD_FILE, true), STATUS_SUCCESS);
    EXPECT_EQ(check(request(u"\\none\\new"), FILE_ADD_FILE, true), STATUS_OBJECT_PATH_NOT_FOUND);
    put(u"\\f", 0, open_dir);
    EXPECT_EQ(check(request(u"\\f\\new"), FILE_ADD_FILE, true), STATUS_NOT_A_DIRECTORY);
    put(u"\\dir\\link", FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT, open_dir);
    EXPECT_EQ(check(request(u"\\dir\\link\\new", FILE_OPEN_REPARSE_POINT), FILE_ADD_FILE, true),
              STATUS_REPARSE);
    EXPECT_EQ(granted, 5u);
    put(u"\\dir", FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_READONLY, open_dir);
    EXPECT_EQ(check(request(u"\\dir\\new", FILE_DELETE_ON_CLOSE), FILE_ADD_FILE, true), STATUS_SUCCESS);
}

TEST_F(AccessCheckEx, StreamsAreCheckedOnTheirFile)
{
    put(u"\\f", 0, u"O:BAG:BAD:(A;;FW;;;WD)");
    auto& req = request(u"\\f:stream");
    req.Req.Create.NamedStream = 4;
    EXPECT_EQ(check(req, FILE_WRITE_DATA, true), STATUS_SUCCESS);
    EXPECT_EQ(asked.back(), u"\\f");
    files.clear();
    EXPECT_EQ(check(req, FILE_WRITE_DATA, true), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(AccessCheckEx, DirectoryOptionsMustFit)
{
    put(u"\\f", 0, open_dir);
    EXPECT_EQ(check(request(u"\\f", FILE_DIRECTORY_FILE), 1), STATUS_NOT_A_DIRECTORY);
    EXPECT_EQ(check(request(u"\\dir", FILE_NON_DIRECTORY_FILE), 1), STATUS_FILE_IS_A_DIRECTORY);
    auto& req = request(u"\\f");
    req.Req.Create.HasTrailingBackslash = 1;
    EXPECT_EQ(check(req, 1), STATUS_OBJECT_NAME_INVALID);
    put(u"\\f", FILE_ATTRIBUTE_REPARSE_POINT, open_dir);
    EXPECT_EQ(check(request(u"\\f", FILE_DIRECTORY_FILE), 1), STATUS_REPARSE);
    EXPECT_EQ(check(request(u"\\f", FILE_DIRECTORY_FILE | FILE_OPEN_REPARSE_POINT), 1),
              STATUS_NOT_A_DIRECTORY);
    fs_.UmNoReparsePointsDirCheck = 1;
    EXPECT_EQ(check(request(u"\\f", FILE_DIRECTORY_FILE | FILE_OPEN_REPARSE_POINT), 1), STATUS_SUCCESS);
}

TEST_F(AccessCheckEx, ParentMayGrantDeletingAndLooking)
{
    put(u"\\dir\\f", 0, u"O:BAG:BAD:(A;;0x1;;;WD)");
    EXPECT_EQ(check(request(u"\\dir\\f"), DELETE | FILE_READ_ATTRIBUTES | FILE_READ_DATA), STATUS_SUCCESS);
    EXPECT_EQ(granted, UINT32{DELETE | FILE_READ_ATTRIBUTES | FILE_READ_DATA});
    EXPECT_EQ(check(request(u"\\dir\\f"), DELETE | FILE_WRITE_DATA), STATUS_ACCESS_DENIED);
    put(u"\\dir", FILE_ATTRIBUTE_DIRECTORY, u"O:BAG:BAD:(A;;0x1;;;WD)"); // may list, not delete
    EXPECT_EQ(check(request(u"\\dir\\f"), FILE_READ_ATTRIBUTES), STATUS_SUCCESS);
    EXPECT_EQ(check(request(u"\\dir\\f"), DELETE), STATUS_ACCESS_DENIED);
}

TEST_F(AccessCheckEx, ReadOnlyFilesRefuseWriting)
{
    put(u"\\f", FILE_ATTRIBUTE_READONLY, open_dir);
    EXPECT_EQ(check(request(u"\\f"), FILE_WRITE_DATA), STATUS_ACCESS_DENIED);
    EXPECT_EQ(check(request(u"\\f"), FILE_READ_DATA), STATUS_SUCCESS);
    EXPECT_EQ(check(request(u"\\f", FILE_DELETE_ON_CLOSE), DELETE), STATUS_CANNOT_DELETE);
    EXPECT_EQ(check(request(u"\\f"), MAXIMUM_ALLOWED), STATUS_SUCCESS);
    EXPECT_EQ(granted, UINT32{FILE_ALL_ACCESS & ~(FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD)});
}

TEST_F(AccessCheckEx, NewDescriptorsInherit)
{
    void* parent;
    ASSERT_EQ(parse_sddl(u"O:BAG:BAD:(A;OICI;FR;;;WD)", &parent), STATUS_SUCCESS);
    auto& req = request(u"\\dir\\new");
    PSECURITY_DESCRIPTOR descriptor;
    ASSERT_EQ(FspCreateSecurityDescriptor(&fs_, &req, parent, &descriptor), STATUS_SUCCESS);
    WideString text;
    format_sddl(descriptor, DACL_SECURITY_INFORMATION, &text);
    EXPECT_EQ(text, u"D:(A;;FR;;;WD)");

    void* change;
    ASSERT_EQ(parse_sddl(u"D:P(A;;GA;;;BA)", &change), STATUS_SUCCESS);
    PSECURITY_DESCRIPTOR changed;
    ASSERT_EQ(FspSetSecurityDescriptor(descriptor, DACL_SECURITY_INFORMATION, change, &changed),
              STATUS_SUCCESS);
    format_sddl(changed, DACL_SECURITY_INFORMATION, &text);
    EXPECT_EQ(text, u"D:P(A;;FA;;;BA)");
    FspDeleteSecurityDescriptor(changed, tag(FspSetSecurityDescriptor));
    EXPECT_EQ(FspSetSecurityDescriptor(nullptr, DACL_SECURITY_INFORMATION, change, &changed),
              STATUS_NO_SECURITY_ON_OBJECT);
    EXPECT_EQ(changed, nullptr);

    req.Req.Create.NamedStream = 2;
    PSECURITY_DESCRIPTOR none = parent;
    EXPECT_EQ(FspCreateSecurityDescriptor(&fs_, &req, parent, &none), STATUS_SUCCESS);
    EXPECT_EQ(none, nullptr);
    FspDeleteSecurityDescriptor(descriptor, tag(FspCreateSecurityDescriptor));
    std::free(parent);
    std::free(change);
}
