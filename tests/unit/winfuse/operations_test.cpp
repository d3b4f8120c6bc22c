// SPDX-License-Identifier: MIT
//
// What a program is asked when Windows asks for something, and what Windows is answered.
#include "dll/fuse/file_system.h"
#include "program.h"

namespace {

using test::File;
using test::full_table;
using test::Program;
using test::world;

class FuseOperations : public testing::Test
{
  protected:
    void SetUp() override { world() = {}; }
};

constexpr UINT32 directory = 0040755, link_type = 0120777;

TEST_F(FuseOperations, StartNegotiationAndEnd)
{
    world().want = FSP_FUSE_CAP_READ_ONLY | FSP_FUSE_CAP_CASE_INSENSITIVE;
    {
        Program program(full_table(), {"-ofstypename=test,uid=-1,attr_timeout=3,DirInfoTimeout=7"});
        ASSERT_NE(program.get(), nullptr);
        EXPECT_EQ(world().seen(), "init\nstatfs /\ngetattr /\nreadlink /\ngetattr /.\n");
        EXPECT_EQ(world().connection.proto_major, 7u);
        EXPECT_EQ(world().connection.proto_minor, 12u);
        EXPECT_EQ(world().connection.capable, 0x21E00061u);
        EXPECT_EQ(world().connection.max_write, 0xFFFFFFFFu);
        EXPECT_EQ(world().context.private_data, &program);
        EXPECT_EQ(world().context.uid, ~0u);
        const FSP_FSCTL_VOLUME_PARAMS params = program.params();
        EXPECT_EQ(params.Version, sizeof params);
        EXPECT_EQ(params.SectorSize, 1024);
        EXPECT_EQ(params.MaxComponentLength, 200);
        EXPECT_EQ(params.FileInfoTimeout, 3000u);
        EXPECT_TRUE(params.DirInfoTimeoutValid && params.DirInfoTimeout == 7);
        EXPECT_TRUE(params.ReadOnlyVolume && !params.CaseSensitiveSearch &&
                    !params.PassQueryDirectoryFileName);
        EXPECT_TRUE(params.ExtendedAttributes && params.ReparsePoints && params.SupportsPosixUnlinkRename);
        EXPECT_EQ(params.VolumeCreationTime, 4000u * 10'000'000ull + 116'444'736'000'000'005ull);
        EXPECT_EQ(std::u16string(params.FileSystemName), u"FUSE-test");
        program.stop();
        EXPECT_EQ(program.result(), 0);
        EXPECT_EQ(fsp_fuse_exited(test::native_env(), program.get()), 1);
    }
    EXPECT_EQ(world().seen(), "destroy\n");
}

TEST_F(FuseOperations, AFailingStartIsReportedAndDestroyCalled)
{
    fuse_operations on = full_table();
    on.statfs = [](const char*, struct fuse_statvfs*) { return -13; };
    Program program(on);
    program.stop();
    EXPECT_EQ(program.result(), -1);
    EXPECT_EQ(world().seen(), "init\ndestroy\n");
}

TEST_F(FuseOperations, OpeningKnowsWhoAsks)
{
    world().files["/a"] = {.mode = directory};
    world().files["/a/f"] = {.data = "hello"};
    Program program(full_table());
    world().seen();
    const auto answer = program.open({.name = u"\\a\\f", .access = FILE_READ_DATA});
    ASSERT_EQ(answer.status(), STATUS_SUCCESS);
    // The link scan asks about the directory on the way.
    EXPECT_EQ(world().seen(), "getattr /a/f\ngetattr /a\ngetattr /a/f\nopen /a/f flags 0\n");
    EXPECT_EQ(world().context.uid, fake::caller_uid);
    EXPECT_EQ(world().context.gid, fake::caller_gid);
    EXPECT_EQ(world().context.pid, int(fake::process));
    const auto& info = answer->Rsp.Create.Opened.FileInfo;
    EXPECT_EQ(info.FileAttributes, 0u);
    EXPECT_EQ(info.FileSize, 5u);
    EXPECT_EQ(info.AllocationSize, 1024u);
    EXPECT_EQ(info.LastWriteTime, 2000ull * 10'000'000 + 116'444'736'000'000'000);
    const UINT64 file = answer->Rsp.Create.Opened.UserContext2;

    NTSTATUS status;
    EXPECT_EQ(program.read(file, 1, 10, &status), "ello");
    EXPECT_EQ(world().context.uid, ~0u); // no token comes with a read
    EXPECT_EQ(program.read(file, 5, 10, &status), "");
    EXPECT_EQ(status, STATUS_END_OF_FILE);
    world().seen();
    EXPECT_EQ(program.close(file), STATUS_SUCCESS);
    EXPECT_EQ(world().seen(), "flush /a/f\nrelease /a/f fh 6\n");
}

TEST_F(FuseOperations, AFileIsMadeWithTheModeOfItsDescriptor)
{
    Program program(full_table());
    world().seen();
    const UINT64 file = program.opened({.name = u"\\new\xF03A", .disposition = FILE_CREATE});
    // Owner and group are the caller's: nothing to change.
    EXPECT_EQ(world().seen(), "getattr /\ncreate /new: 740 flags 2402\nfgetattr /new: fh 5\n");
    program.close(file);
    world().seen();
    const UINT64 folder =
        program.opened({.name = u"\\dir", .disposition = FILE_CREATE, .options = FILE_DIRECTORY_FILE});
    EXPECT_EQ(world().seen(), "getattr /\nmkdir /dir 740\ngetattr /dir\n");
    program.close(folder);
    EXPECT_EQ(world().seen(), "releasedir /dir\n");
}

TEST_F(FuseOperations, UmasksOfNewFiles)
{
    Program program(full_table(), {"-ocreate_umask=77,create_dir_umask=22,umask=7,uid=5"});
    world().seen();
    program.close(program.opened({.name = u"\\f", .disposition = FILE_CREATE}));
    EXPECT_NE(world().seen().find("create /f 700"), std::string::npos);
    program.close(
        program.opened({.name = u"\\d", .disposition = FILE_CREATE, .options = FILE_DIRECTORY_FILE}));
    EXPECT_NE(world().seen().find("mkdir /d 755"), std::string::npos);
}

TEST_F(FuseOperations, CygwinProgramsHaveTheirOwnNumbers)
{
    struct fsp_fuse_env* const env = test::native_env();
    env->environment = 'C';
    fuse_operations on = full_table();
    on.open = [](const char*, fuse_file_info*) { return -90; };
    {
        Program program(on);
        world().seen();
        program.close(program.opened({.name = u"\\new", .disposition = FILE_CREATE}));
        EXPECT_NE(world().seen().find("create /new 740 flags 5002"), std::string::npos);
        EXPECT_EQ(program.open({.name = u"\\new"}).status(), STATUS_DIRECTORY_NOT_EMPTY);
    }
    env->environment = 'W';
}

TEST_F(FuseOperations, WritingEndsWhereItMay)
{
    world().files["/f"] = {.data = "12345"};
    Program program(full_table());
    const UINT64 file = program.opened({.name = u"\\f"});
    world().seen();
    const auto answer = program.write(file, 3, "abcd");
    ASSERT_EQ(answer.status(), STATUS_SUCCESS);
    EXPECT_EQ(answer->IoStatus.Information, 4u);
    EXPECT_EQ(answer->Rsp.Write.FileInfo.FileSize, 7u);
    EXPECT_EQ(world().seen(), "fgetattr /f fh 6\nwrite /f 3 4\n");
    EXPECT_EQ(program.write(file, ~UINT64{0}, "e")->Rsp.Write.FileInfo.FileSize, 8u);
    EXPECT_EQ(program.write(file, 6, "xyz", true)->IoStatus.Information, 2u); // a page ends at the file's end
    EXPECT_EQ(program.write(file, 8, "xyz", true)->IoStatus.Information, 0u);
    EXPECT_EQ(world().files["/f"].data, "123abcxy");

    auto request = program.about(FspFsctlTransactSetInformationKind, file);
    request.request()->Req.SetInformation.FileInformationClass = 20; // FileEndOfFileInformation
    request.request()->Req.SetInformation.Info.EndOfFile.FileSize = 2;
    EXPECT_EQ(program.ask(request)->Rsp.SetInformation.FileInfo.FileSize, 2u);
    EXPECT_EQ(world().files["/f"].data, "12");
    program.close(file);
}

TEST_F(FuseOperations, ListingsAskAboutWhatTheProgramDoesNotSay)
{
    world().files["/d"] = {.mode = directory};
    world().files["/d/b"] = {};
    world().files["/d/a:"] = {};
    world().files["/d/l"] = {.mode = link_type, .data = "b"};
    for (const UINT32 want : {0, FSP_FUSE_CAP_READDIR_PLUS}) {
        world().want = want;
        Program program(full_table());
        const UINT64 folder = program.opened({.name = u"\\d", .options = FILE_DIRECTORY_FILE});
        world().seen();
        EXPECT_EQ(program.list(folder), (std::vector<std::u16string>{u".", u"..", u"a\xF03A", u"b", u"l"}));
        // A link's own attributes do not tell whether it leads to a directory.
        EXPECT_EQ(world().seen(),
                  want == 0 ? "readdir /d\ngetattr /d\ngetattr /\ngetattr /d/a:\ngetattr /d/b\ngetattr /d/l\n"
                              "readlink /d/l\ngetattr /d/b\ngetattr /d/b\n"
                            : "readdir /d\ngetattr /d\ngetattr /\ngetattr /d/l\nreadlink /d/l\ngetattr /d/b\n"
                              "getattr /d/b\n");
        program.close(folder);
        const UINT64 root = program.opened({.name = u"\\", .options = FILE_DIRECTORY_FILE});
        EXPECT_EQ(program.list(root), (std::vector<std::u16string>{u"d"})); // no dots in the root
        program.close(root);
    }
}

TEST_F(FuseOperations, RemovingAndRenaming)
{
    world().files["/d"] = {.mode = directory};
    world().files["/d/x"] = {};
    world().files["/f"] = {};
    world().files["/g"] = {};
    Program program(full_table());
    const UINT64 folder = program.opened({.name = u"\\d", .options = FILE_DIRECTORY_FILE});
    const auto may_go = [&](UINT64 context) {
        auto request = program.about(FspFsctlTransactSetInformationKind, context);
        request.request()->Req.SetInformation.FileInformationClass = 13; // FileDispositionInformation
        request.request()->Req.SetInformation.Info.Disposition.Delete = 1;
        return program.ask(request).status();
    };
    EXPECT_EQ(may_go(folder), STATUS_DIRECTORY_NOT_EMPTY);
    world().files.erase("/d/x");
    EXPECT_EQ(may_go(folder), STATUS_SUCCESS);
    world().seen();
    auto cleanup = program.about(FspFsctlTransactCleanupKind, folder);
    cleanup.name(u"\\d").request()->Req.Cleanup.Delete = 1;
    program.ask(cleanup);
    EXPECT_EQ(world().seen(), "rmdir /d\n");
    program.close(folder);

    const UINT64 file = program.opened({.name = u"\\f"});
    const auto rename = [&](const std::u16string& to, bool replace) {
        auto request = program.about(FspFsctlTransactSetInformationKind, file);
        request.name(u"\\f");
        const FSP_FSCTL_TRANSACT_BUF name = request.add_text(to);
        auto& set = request.request()->Req.SetInformation;
        set.FileInformationClass = 10; // FileRenameInformation
        set.Info.Rename.NewFileName = name;
        set.Info.Rename.AccessToken =
            replace ? UINT64{fake::process} << 32 | reinterpret_cast<UINT_PTR>(fake::token) : 0;
        return program.ask(request).status();
    };
    EXPECT_EQ(rename(u"\\g", false), STATUS_OBJECT_NAME_COLLISION);
    world().seen();
    EXPECT_EQ(rename(u"\\g", true), STATUS_SUCCESS);
    EXPECT_EQ(world().context.uid, fake::caller_uid);
    // The library asks whether the caller may replace it, the layer whether it is a directory.
    EXPECT_EQ(world().seen(), "getattr /g\ngetattr /g\nrename /f /g\n");
    // From now on the file is called by its new name.
    program.read(file, 0, 1);
    EXPECT_EQ(world().seen(), "read /g fh 6\n");
    program.close(file);
}

TEST_F(FuseOperations, LinksAndSpecialFilesAreReparsePoints)
{
    world().files["/d"] = {.mode = directory};
    world().files["/l"] = {.mode = link_type, .data = "d"};
    world().files["/abs"] = {.mode = link_type, .data = "/d"};
    world().files["/dev"] = {.mode = 0020600, .device = 0x00050007};
    Program program(full_table());
    const auto get = [&](UINT64 context) {
        auto request = program.about(FspFsctlTransactFileSystemControlKind, context);
        request.request()->Req.FileSystemControl.FsControlCode = FSCTL_GET_REPARSE_POINT;
        return program.ask(request);
    };
    const auto link = program.open({.name = u"\\l", .options = FILE_OPEN_REPARSE_POINT});
    ASSERT_EQ(link.status(), STATUS_SUCCESS);
    const auto& info = link->Rsp.Create.Opened.FileInfo;
    EXPECT_EQ(info.FileAttributes, FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY);
    EXPECT_EQ(info.ReparseTag, IO_REPARSE_TAG_SYMLINK);
    auto answer = get(link->Rsp.Create.Opened.UserContext2);
    ASSERT_EQ(answer.status(), STATUS_SUCCESS);
    const auto* data = reinterpret_cast<const REPARSE_DATA_BUFFER*>(answer->Buffer);
    EXPECT_EQ(data->SymbolicLinkReparseBuffer.Flags, 1u);
    EXPECT_EQ(std::u16string(data->SymbolicLinkReparseBuffer.PathBuffer,
                             data->SymbolicLinkReparseBuffer.SubstituteNameLength / 2),
              u"d");
    world().seen();
    program.close(link->Rsp.Create.Opened.UserContext2);
    EXPECT_EQ(world().seen(), ""); // the program has nothing open

    const UINT64 device = program.opened({.name = u"\\dev", .options = FILE_OPEN_REPARSE_POINT});
    answer = get(device);
    ASSERT_EQ(answer.status(), STATUS_SUCCESS);
    data = reinterpret_cast<const REPARSE_DATA_BUFFER*>(answer->Buffer);
    EXPECT_EQ(data->ReparseTag, IO_REPARSE_TAG_NFS);
    EXPECT_EQ(data->ReparseDataLength, 16);
    EXPECT_EQ(std::memcmp(data->GenericReparseBuffer.DataBuffer, "CHR\0\0\0\0\0\5\0\0\0\7\0\0\0", 16), 0);
    program.close(device);

    // Absolute links lead out of the volume unless rellinks says otherwise.
    const UINT64 absolute = program.opened({.name = u"\\abs", .options = FILE_OPEN_REPARSE_POINT});
    EXPECT_EQ(get(absolute).status(), STATUS_ACCESS_DENIED);
    program.close(absolute);
    // A link on the way: the driver is told where to go on, whichever way the program says that it is none of
    // its business.
    EXPECT_EQ(program.open({.name = u"\\l\\x"}).status(), STATUS_REPARSE);
    world().below_links = -20; // ENOTDIR
    EXPECT_EQ(program.open({.name = u"\\l\\x"}).status(), STATUS_REPARSE);
}

TEST_F(FuseOperations, AFileBecomesALink)
{
    Program program(full_table());
    const UINT64 file = program.opened({.name = u"\\f", .disposition = FILE_CREATE});
    world().seen();
    struct
    {
        UINT32 tag = IO_REPARSE_TAG_SYMLINK;
        UINT16 length = 12 + 6, reserved = 0, offset = 0, size = 6, print_offset = 0, print_size = 6;
        UINT32 flags = 1;
        WCHAR text[3] = {'a', '\\', 'b'};
    } data;
    auto request = program.about(FspFsctlTransactFileSystemControlKind, file);
    const FSP_FSCTL_TRANSACT_BUF buffer = request.add(&data, 8 + 18);
    request.request()->Req.FileSystemControl.FsControlCode = FSCTL_SET_REPARSE_POINT;
    request.request()->Req.FileSystemControl.Buffer = buffer;
    EXPECT_EQ(program.ask(request).status(), STATUS_SUCCESS);
    EXPECT_EQ(world().seen(),
              "fgetattr /f fh 5\ngetattr /.fuse_hidden0fedcba987654321\n"
              "symlink a/b /.fuse_hidden0fedcba987654321\nrename /.fuse_hidden0fedcba987654321 /f\n"
              "release /f fh 5\n");
    EXPECT_EQ(world().files["/f"].data, "a/b");
    program.close(file);
    EXPECT_EQ(world().seen(), "");

    // Lengths that do not fit are refused.
    const UINT64 other = program.opened({.name = u"\\g", .disposition = FILE_CREATE});
    for (const UINT16 size : {UINT16{8}, UINT16{0xFFFE}}) {
        data.size = size;
        auto bad = program.about(FspFsctlTransactFileSystemControlKind, other);
        const FSP_FSCTL_TRANSACT_BUF bytes = bad.add(&data, 8 + 18);
        bad.request()->Req.FileSystemControl.FsControlCode = FSCTL_SET_REPARSE_POINT;
        bad.request()->Req.FileSystemControl.Buffer = bytes;
        EXPECT_EQ(program.ask(bad).status(), STATUS_IO_REPARSE_DATA_INVALID);
    }
    program.close(other);
}

TEST_F(FuseOperations, ExtendedAttributesAreEas)
{
    world().files["/f"] = {.attributes = {{"one", "1"}, {"three", "333"}}};
    Program program(full_table());
    const UINT64 file = program.opened({.name = u"\\f"});
    const auto answer = program.ask(program.about(FspFsctlTransactQueryEaKind, file));
    ASSERT_EQ(answer.status(), STATUS_SUCCESS);
    const auto* ea = reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(answer->Buffer);
    EXPECT_STREQ(ea->EaName, "one");
    EXPECT_EQ(ea->EaName[4], '1');
    ASSERT_EQ(ea->NextEntryOffset, 16u); // 8 + 4 + 1, rounded up to 4
    ea = reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(answer->Buffer + 16);
    EXPECT_STREQ(ea->EaName, "three");
    EXPECT_EQ(ea->EaValueLength, 3);
    EXPECT_EQ(ea->NextEntryOffset, 0u);

    alignas(4) UINT8 change[] = "\0\0\0\0\0\3\0\0one"; // no value: it goes
    auto request = program.about(FspFsctlTransactSetEaKind, file);
    const FSP_FSCTL_TRANSACT_BUF list = request.add(change, 12);
    request.request()->Req.SetEa.Ea = list;
    EXPECT_EQ(program.ask(request).status(), STATUS_SUCCESS);
    EXPECT_EQ(world().files["/f"].attributes.size(), 1u);
    program.close(file);
}

TEST_F(FuseOperations, TimesSecurityAndControl)
{
    world().files["/f"] = {};
    Program program(full_table());
    const UINT64 file = program.opened({.name = u"\\f"});
    world().seen();
    auto times = program.about(FspFsctlTransactSetInformationKind, file);
    times.request()->Req.SetInformation.FileInformationClass = 4; // FileBasicInformation
    times.request()->Req.SetInformation.Info.Basic.FileAttributes = INVALID_FILE_ATTRIBUTES;
    times.request()->Req.SetInformation.Info.Basic.LastWriteTime =
        5000ull * 10'000'000 + 116'444'736'000'000'000;
    EXPECT_EQ(program.ask(times).status(), STATUS_SUCCESS);
    // The time that is not given stays.
    EXPECT_EQ(world().seen(), "fgetattr /f fh 6\nutimens /f 1000 5000\nfgetattr /f fh 6\n");

    PSECURITY_DESCRIPTOR change = nullptr;
    ULONG size = 0;
    ASSERT_TRUE(ConvertStringSecurityDescriptorToSecurityDescriptorW(
        u"O:S-1-5-19D:P(A;;FA;;;S-1-5-19)(A;;FR;;;BA)(A;;FR;;;WD)", SDDL_REVISION_1, &change, &size));
    auto security = program.about(FspFsctlTransactSetSecurityKind, file);
    const FSP_FSCTL_TRANSACT_BUF descriptor = security.add(change, size);
    LocalFree(change);
    security.request()->Req.SetSecurity.SecurityInformation =
        OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    security.request()->Req.SetSecurity.SecurityDescriptor = descriptor;
    EXPECT_EQ(program.ask(security).status(), STATUS_SUCCESS);
    EXPECT_EQ(world().seen(), "fgetattr /f fh 6\nchmod /f 744\nchown /f 19 544\n");

    auto control = program.about(FspFsctlTransactDeviceControlKind, file);
    char text[] = "abc";
    const FSP_FSCTL_TRANSACT_BUF input = control.add(text, sizeof text);
    auto& io = control.request()->Req.DeviceControl;
    io.IoControlCode = FSP_FUSE_CTLCODE_FROM_IOCTL(0x123);
    io.Buffer = input;
    io.OutputLength = sizeof text;
    const auto answer = program.ask(control);
    ASSERT_EQ(answer.status(), STATUS_SUCCESS);
    EXPECT_STREQ(reinterpret_cast<const char*>(answer->Buffer), "ABC");
    EXPECT_EQ(world().seen(), "ioctl /f 30001000443\n"); // 0xC0040123
    program.close(file);

    auto volume = program.ask(test::RequestBuilder(FspFsctlTransactQueryVolumeInformationKind));
    EXPECT_EQ(volume->Rsp.QueryVolumeInformation.VolumeInfo.TotalSize, 102400u);
    EXPECT_EQ(volume->Rsp.QueryVolumeInformation.VolumeInfo.FreeSize, 40960u);
}

TEST_F(FuseOperations, MissingOperationsAreRefusedAndNotCalled)
{
    fuse_operations on{};
    on.getattr = full_table().getattr;
    world().files["/f"] = {};
    Program program(on);
    EXPECT_EQ(program.open({.name = u"\\f"}).status(), STATUS_INVALID_DEVICE_REQUEST); // no open
    const UINT64 root = program.opened({.name = u"\\", .options = FILE_DIRECTORY_FILE});
    for (const UINT32 kind : {FspFsctlTransactQueryEaKind, FspFsctlTransactSetEaKind,
                              FspFsctlTransactDeviceControlKind, FspFsctlTransactSetSecurityKind})
        EXPECT_EQ(program.ask(program.about(kind, root)).status(), STATUS_INVALID_DEVICE_REQUEST) << kind;
    auto rename = program.about(FspFsctlTransactSetInformationKind, root);
    const FSP_FSCTL_TRANSACT_BUF name = rename.add_text(u"\\x");
    rename.request()->Req.SetInformation.FileInformationClass = 10;
    rename.request()->Req.SetInformation.Info.Rename.NewFileName = name;
    EXPECT_EQ(program.ask(rename).status(), STATUS_INVALID_DEVICE_REQUEST);
    EXPECT_EQ(program.ask(program.about(FspFsctlTransactFlushBuffersKind, root)).status(), STATUS_SUCCESS);
    EXPECT_EQ(program.close(root), STATUS_SUCCESS);
}

TEST_F(FuseOperations, ChangesAreReported)
{
    world().want = FSP_FUSE_CAP_CASE_INSENSITIVE;
    Program program(full_table());
    const auto notify = [&](const std::string& path, UINT32 action) {
        return fsp_fuse_notify(test::native_env(), program.get(), path.c_str(), action);
    };
    EXPECT_EQ(notify("/a/f", FSP_FUSE_NOTIFY_CREATE | FSP_FUSE_NOTIFY_TRUNCATE), 0);
    EXPECT_EQ(notify("/", 0), 0);
    EXPECT_EQ(notify('/' + std::string(1023, 'x'), 0), -38);
    const auto& sent = fake::transport().notifications;
    ASSERT_EQ(sent.size(), 2u);
    const auto* info = reinterpret_cast<const FSP_FSCTL_NOTIFY_INFO*>(sent[0].data());
    EXPECT_EQ(info->Filter, UINT32{FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_SIZE});
    EXPECT_EQ(info->Action, UINT32{FILE_ACTION_ADDED});
    EXPECT_EQ(std::u16string(info->FileNameBuf, (info->Size - sizeof *info) / 2), u"\\A\\F");
    program.stop();
    EXPECT_EQ(notify("/a", 0), -22); // nothing is mounted any more
}

// ---- FUSE 3 -----------------------------------------------------------------------------------------

fuse3* context_fuse;

fuse3_operations table3()
{
    fuse3_operations on{};
    on.init = [](fuse3_conn_info* conn, fuse3_config* config) -> void* {
        world().see("init " + std::to_string(config->set_uid) + " " + std::to_string(config->uid));
        EXPECT_EQ(conn->capable, 0x21C02061u);
        EXPECT_EQ(conn->proto_minor, 26u);
        conn->want = world().want;
        context_fuse = fsp_fuse3_get_context(test::native_env())->fuse;
        return &world();
    };
    on.destroy = [](void* data) { world().see(data == &world() ? "destroy" : "destroy of what?"); };
    on.getattr = [](const char* path, struct fuse_stat* out, fuse3_file_info* fi) {
        world().see(std::string("getattr ") + path + (fi ? " open" : ""));
        const File* file = world().find(path);
        if (!file)
            return -test::no_entry;
        out->st_mode = file->mode;
        return 0;
    };
    on.open = [](const char*, fuse3_file_info* fi) {
        fi->fh = 9;
        fi->direct_io = 1;
        return 0;
    };
    on.read = [](const char*, char*, size_t, fuse_off_t, fuse3_file_info* fi) {
        world().see("read fh " + std::to_string(fi->fh));
        return 0;
    };
    on.rename = [](const char*, const char*, unsigned flags) {
        return world().see("rename " + std::to_string(flags));
    };
    on.readdir = [](const char* path, void* buffer, fuse3_fill_dir_t fill, fuse_off_t, fuse3_file_info*,
                    fuse3_readdir_flags flags) {
        world().see(std::string("readdir ") + path + " " + std::to_string(flags));
        struct fuse_stat st = {};
        st.st_mode = 0100644;
        fill(buffer, "plus", &st, 0, FUSE_FILL_DIR_PLUS);
        fill(buffer, "plain", &st, 0, fuse3_fill_dir_flags{});
        return 0;
    };
    return on;
}

TEST_F(FuseOperations, Fuse3OnTheSameLayer)
{
    world().want = 1u << 13; // FUSE_CAP_READDIRPLUS
    world().files["/f"] = {};
    world().files["/plain"] = {};
    fake::reset();
    char name[] = "program", option[] = "-ouid=5";
    char* words[] = {name, option};
    fuse_args args = FUSE_ARGS_INIT(2, words);
    const fuse3_operations on = table3();
    struct fsp_fuse_env* const env = test::native_env();
    fuse3* f = fsp_fuse3_new(env, &args, &on, sizeof on, nullptr);
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(args.argc, 2);                // the caller's stays as it is
    EXPECT_EQ(fsp_fuse3_loop(env, f), -22); // not mounted
    ASSERT_EQ(fsp_fuse3_mount(env, f, "/tmp"), 0);
    int result = 1;
    std::thread loop([&] { result = fsp_fuse3_loop_mt(env, f, nullptr); });
    fake::Transport& t = fake::transport();
    for (bool served = false; !served; std::this_thread::yield()) {
        const std::lock_guard lock(t.mutex);
        served = t.transact0 != 0;
    }
    EXPECT_EQ(world().seen(), "init 1 5\ngetattr /\n");
    EXPECT_EQ(context_fuse, f); // what the program may pass to fuse_exit

    test::RequestBuilder open(FspFsctlTransactCreateKind);
    open.name(u"\\f").request()->Req.Create.CreateOptions = FILE_OPEN << 24;
    open.request()->Req.Create.HasTraversePrivilege = 1;
    fake::Bytes answer = t.ask(open.bytes());
    const auto* response = reinterpret_cast<const FSP_FSCTL_TRANSACT_RSP*>(answer.data());
    ASSERT_EQ(NTSTATUS(response->IoStatus.Status), STATUS_SUCCESS);
    EXPECT_TRUE(response->Rsp.Create.Opened.DisableCache);
    const UINT64 file = response->Rsp.Create.Opened.UserContext2;
    test::RequestBuilder read(FspFsctlTransactReadKind, 2);
    char data[4];
    read.request()->Req.Read.UserContext2 = file;
    read.request()->Req.Read.Address = reinterpret_cast<UINT_PTR>(data);
    read.request()->Req.Read.Length = sizeof data;
    t.ask(read.bytes());
    EXPECT_EQ(world().calls.back(), "read fh 9");
    test::RequestBuilder close(FspFsctlTransactCloseKind, 3);
    close.request()->Req.Close.UserContext2 = file;
    t.ask(close.bytes());

    test::RequestBuilder folder(FspFsctlTransactCreateKind, 4);
    folder.name(u"\\").request()->Req.Create.CreateOptions = FILE_OPEN << 24 | FILE_DIRECTORY_FILE;
    folder.request()->Req.Create.HasTraversePrivilege = 1;
    answer = t.ask(folder.bytes());
    const UINT64 root =
        reinterpret_cast<const FSP_FSCTL_TRANSACT_RSP*>(answer.data())->Rsp.Create.Opened.UserContext2;
    world().seen();
    std::vector<UINT64> buffer(1024);
    test::RequestBuilder list(FspFsctlTransactQueryDirectoryKind, 5);
    list.request()->Req.QueryDirectory.UserContext2 = root;
    list.request()->Req.QueryDirectory.Address = reinterpret_cast<UINT_PTR>(buffer.data());
    list.request()->Req.QueryDirectory.Length = static_cast<UINT32>(buffer.size() * 8);
    t.ask(list.bytes());
    EXPECT_EQ(world().seen(), "readdir / 1\ngetattr /plain\n");
    test::RequestBuilder end(FspFsctlTransactCloseKind, 6);
    end.request()->Req.Close.UserContext2 = root;
    t.ask(end.bytes());

    fsp_fuse3_exit(env, context_fuse);
    loop.join();
    EXPECT_EQ(result, 0);
    EXPECT_EQ(world().calls.back(), "destroy");
    fsp_fuse3_unmount(env, f);
    fsp_fuse3_destroy(env, f);
}

// ---- The end of the process's service, after all other tests -------------------------------------------

class Interruption : public testing::Environment
{
    void TearDown() override
    {
        for (int i = 0; i != 2; ++i) {
            world() = {};
            Program program(full_table());
            program.interrupt();
            EXPECT_EQ(program.result(), 0);
            EXPECT_EQ(world().calls.back(), "destroy");
            EXPECT_EQ(fsp_fuse_exited(test::native_env(), program.get()), 0);
        }
    }
};
const auto* const interruption = testing::AddGlobalTestEnvironment(new Interruption);

} // namespace
