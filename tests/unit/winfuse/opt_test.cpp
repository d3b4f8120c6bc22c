// SPDX-License-Identifier: MIT
//
// Command lines: the parser's rules, and the library's own options.
#include <climits>

#include "dll/fuse/file_system.h"
#include "dll/fuse/options.h"
#include "program.h"

namespace {

using Words = std::vector<std::string>;

/// A command line and what becomes of it.
class Line
{
  public:
    explicit Line(Words words, struct fsp_fuse_env* env = test::native_env())
        : env_(env), words_(std::move(words))
    {
        for (std::string& word : words_)
            pointers_.push_back(word.data());
        args_ = FUSE_ARGS_INIT(int(pointers_.size()), pointers_.data());
    }
    ~Line() { fsp_fuse_opt_free_args(env_, &args_); }
    fuse_args* get() { return &args_; }
    Words left() const { return Words(args_.argv, args_.argv + args_.argc); }

  private:
    struct fsp_fuse_env* env_;
    Words words_;
    std::vector<char*> pointers_;
    fuse_args args_{};
};

struct Values
{
    int n = -1;
    unsigned u = 1;
    char* text = nullptr;
    INT64 wide = -1;
    UINT16 narrow = 0;
    std::vector<std::pair<std::string, int>> seen;
    ~Values() { std::free(text); }
};
constexpr int key_b = 77;

int keep_all(void* data, const char* text, int key, fuse_args*)
{
    static_cast<Values*>(data)->seen.emplace_back(text, key);
    return 1;
}

#define AT(member) static_cast<unsigned>(__builtin_offsetof(Values, member))

int parse(Line& line, const std::vector<fuse_opt>& table, Values& values)
{
    return fsp_fuse_opt_parse(test::native_env(), line.get(), &values, table.data(), keep_all);
}

TEST(FuseOpt, TheExampleOfTheSpecification)
{
    Line line({"prog", "-on=5,zed", "-b", "file", "-o", "x\\,y", "--", "-n"});
    Values values;
    ASSERT_EQ(parse(line, {FUSE_OPT_KEY("-b", key_b), {"n=%d", AT(n), 0}, FUSE_OPT_END}, values), 0);
    EXPECT_EQ(values.n, 5);
    const std::vector<std::pair<std::string, int>> seen = {
        {"zed", -1}, {"-b", key_b}, {"file", -2}, {"x,y", -1}, {"-n", -2}};
    EXPECT_EQ(values.seen, seen);
    EXPECT_EQ(line.left(), (Words{"prog", "-o", "zed,x\\,y", "-b", "file", "--", "-n"}));
}

TEST(FuseOpt, EveryMatchingEntryCounts)
{
    Line line({"prog", "-ouid=0x10", "-n", "7", "-n8"});
    Values values;
    ASSERT_EQ(parse(line,
                    {{"uid=", AT(u), 3},
                     {"uid=%i", AT(wide), 0},
                     {"-n %d", AT(n), 0},
                     FUSE_OPT_KEY("-n ", 9),
                     FUSE_OPT_END},
                    values),
              0);
    EXPECT_EQ(values.u, 3u);
    EXPECT_EQ(int(values.wide), 16);
    EXPECT_EQ(values.n, 8);
    const std::vector<std::pair<std::string, int>> seen = {{"-n7", 9}, {"-n8", 9}};
    EXPECT_EQ(values.seen, seen);
}

TEST(FuseOpt, Conversions)
{
    const struct
    {
        const char *templ, *option;
        INT64 value;
    } rows[] = {
        {"a=%lld", "a=-12x", -12},  {"a=%lli", "a=0755", 0755}, {"a=%llu", "a=-5", 0},
        {"a=%llo", "a=644", 0644},  {"a=%llx", "a=ff", 255},    {"a=%llx", "a=0x12", 0},
        {"a=%lld", "a=", 0},        {"a=%jd", "a=5", 5},        {"a=%zu", "a=7", 7},
        {"a=%lli", "a=0xAb", 0xAB}, {"a=%3qd", "a=12", 12},
    };
    for (const auto& row : rows) {
        Line line({"prog", "-o", row.option});
        Values values;
        ASSERT_EQ(parse(line, {{row.templ, AT(wide), 0}, FUSE_OPT_END}, values), 0) << row.templ;
        EXPECT_EQ(values.wide, row.value) << row.templ << " " << row.option;
    }
    // The width is what the modifiers say, and nothing beside it is touched.
    Line line({"prog", "-oa=65537"});
    Values values;
    values.seen.clear();
    ASSERT_EQ(parse(line, {{"a=%hu", AT(narrow), 0}, FUSE_OPT_END}, values), 0);
    EXPECT_EQ(values.narrow, 1);
    for (const char* bad : {"a=%f", "a=%", "a=%d x"}) {
        Line one({"prog", "-oa=1"});
        Values ignored;
        EXPECT_EQ(parse(one, {{bad, AT(n), 0}, FUSE_OPT_END}, ignored),
                  std::strcmp(bad, "a=%d x") == 0 ? 0 : -1)
            << bad;
    }
}

TEST(FuseOpt, LongIsAsWideAsTheProgramsOwn)
{
    struct fsp_fuse_env cygwin = *test::native_env();
    cygwin.environment = 'C';
    for (struct fsp_fuse_env* env : {test::native_env(), &cygwin}) {
        Line line({"prog", "-oa=-1"}, env);
        Values values;
        values.wide = 0;
        const fuse_opt table[] = {{"a=%ld", AT(wide), 0}, FUSE_OPT_END};
        ASSERT_EQ(fsp_fuse_opt_parse(env, line.get(), &values, table, keep_all), 0);
        EXPECT_EQ(values.wide, env == &cygwin ? -1 : INT64{0xFFFFFFFF});
    }
}

TEST(FuseOpt, FailuresLeaveTheCommandLine)
{
    for (const Words& words : {Words{"prog", "a", "-o"}, Words{"prog", "a", "-n"}, Words{"prog", "a", "-on"}})
    {
        Line line(words);
        Values values;
        EXPECT_EQ(parse(line, {{"-n %d", AT(n), 0}, {"n %d", AT(n), 0}, FUSE_OPT_END}, values), -1);
        EXPECT_EQ(line.left(), words);
    }
    EXPECT_EQ(fsp_fuse_opt_parse(test::native_env(), nullptr, nullptr, nullptr, nullptr), 0);
    Line open_end({"prog", "-oa\\"}); // a backslash that nothing follows is one
    Values values;
    ASSERT_EQ(parse(open_end, {FUSE_OPT_END}, values), 0);
    EXPECT_EQ(open_end.left(), (Words{"prog", "-o", "a\\\\"}));
}

TEST(FuseOpt, ArgumentsAreInsertedAndOptionsAdded)
{
    struct fsp_fuse_env* const env = test::native_env();
    fuse_args args{};
    EXPECT_EQ(fsp_fuse_opt_add_arg(env, &args, "b"), 0);
    EXPECT_EQ(fsp_fuse_opt_insert_arg(env, &args, 0, "a"), 0);
    EXPECT_EQ(fsp_fuse_opt_insert_arg(env, &args, 3, "c"), -1);
    EXPECT_EQ(fsp_fuse_opt_insert_arg(env, nullptr, 0, "c"), -1);
    EXPECT_EQ(Words(args.argv, args.argv + args.argc), (Words{"a", "b"}));
    EXPECT_EQ(args.argv[2], nullptr);
    fsp_fuse_opt_free_args(env, &args);
    EXPECT_EQ(args.argc, 0);
    char* options = nullptr;
    EXPECT_EQ(fsp_fuse_opt_add_opt(env, &options, "a,b"), 0);
    EXPECT_EQ(fsp_fuse_opt_add_opt_escaped(env, &options, "c,d\\"), 0);
    EXPECT_STREQ(options, "a,b,c\\,d\\\\");
    std::free(options);
    const fuse_opt table[] = {FUSE_OPT_KEY("n=%d", 0), FUSE_OPT_END};
    EXPECT_EQ(fsp_fuse_opt_match(env, table, "n=1"), 1);
    EXPECT_EQ(fsp_fuse_opt_match(env, table, "n"), 0);
    EXPECT_EQ(fsp_fuse_opt_match(env, nullptr, "n"), 0);
}

// ---- The options that every program has -------------------------------------------------------------

TEST(FuseCommandLine, StagesAndMountPoint)
{
    Line line({"prog", "-f", "-s", "X:", "-d", "more", "-oumask=22"});
    char* mount_point = nullptr;
    int multithreaded = -1, foreground = -1;
    ASSERT_EQ(
        fsp_fuse_parse_cmdline(test::native_env(), line.get(), &mount_point, &multithreaded, &foreground), 0);
    EXPECT_STREQ(mount_point, "X:");
    EXPECT_EQ(multithreaded, 0);
    EXPECT_EQ(foreground, 1);
    EXPECT_EQ(line.left(), (Words{"prog", "-o", "umask=22", "X:", "-d", "more"}));
    std::free(mount_point);
    Line nothing({"prog"});
    EXPECT_EQ(fsp_fuse_parse_cmdline(test::native_env(), nothing.get(), nullptr, nullptr, nullptr), 0);
    Line help_only({"prog", "-ho"});
    EXPECT_EQ(fsp_fuse_parse_cmdline(test::native_env(), help_only.get(), nullptr, nullptr, nullptr), 0);
    EXPECT_EQ(help_only.left(), (Words{"prog", "-h"}));
}

// ---- The library's options --------------------------------------------------------------------------

using fsp::winfuse::Options;

bool take(const Words& list, Options* options, Words* left = nullptr)
{
    Words words = {"prog"};
    words.insert(words.end(), list.begin(), list.end());
    Line line(words);
    const bool taken = fsp::winfuse::take_options(test::native_env(), line.get(), options);
    if (left)
        *left = line.left();
    if (taken)
        fsp::winfuse::release_options(options);
    return taken;
}

TEST(FuseOptions, AreTakenAndOthersLeft)
{
    auto options = std::make_unique<Options>();
    Words left;
    ASSERT_TRUE(take(
        {"-oumask=27,uid=5,gid=-1,unknown,rellinks,volname=Caf\xc3\xa9,FileInfoTimeout=-1,direct_io",
         "X:", "--VolumePrefix=/server/share", "-oSectorSize=512,VolumeSerialNumber=12ab34cd,KeepFileCache",
         "-oFlushOnCleanup=0,entry_timeout=1,ThreadCount=3,fstypename=0123456789abcdef,debug"},
        options.get(), &left));
    EXPECT_EQ(left, (Words{"prog", "-o", "unknown,entry_timeout=1,debug", "X:"}));
    EXPECT_TRUE(options->set_umask && options->umask == 027);
    EXPECT_TRUE(options->set_uid && options->uid == 5 && options->set_gid && options->gid == -1);
    EXPECT_TRUE(options->rellinks && options->debug && options->keep_file_cache && options->flush_on_cleanup);
    EXPECT_FALSE(options->legacy_unlink_rename);
    EXPECT_EQ(std::u16string(options->volume_label), u"Caf\u00e9");
    EXPECT_EQ(std::u16string(options->volume_prefix), u"\\server\\share");
    EXPECT_EQ(std::u16string(options->file_system_name), u"FUSE-0123456789");
    EXPECT_EQ(options->file_info_timeout, -1);
    EXPECT_EQ(options->sector_size, 512);
    EXPECT_EQ(options->volume_serial_number, 0x12ab34cdu);
    EXPECT_EQ(options->thread_count, 3u);
    ASSERT_TRUE(fsp::winfuse::resolve_identities(options.get()));
    EXPECT_EQ(options->gid, int(fake::own_gid));
    EXPECT_EQ(options->uid, 5);
}

TEST(FuseOptions, AccountsAndMaps)
{
    auto options = std::make_unique<Options>();
    ASSERT_TRUE(take({"-oUserName=HOUSE+Guest,GroupName=S-1-5-32-545"}, options.get()));
    EXPECT_EQ(options->uid, int(fake::guest_uid));
    EXPECT_EQ(options->gid, 545);
    EXPECT_FALSE(take({"-oUserName=nobody at all"}, options.get()));
    EXPECT_FALSE(take({"-oFileSecurity=nonsense"}, options.get()));
    EXPECT_FALSE(take({"-ovolname="}, options.get()));
    for (const char* bad :
         {"0:S-1-5-18", "x:S-1-5-18", "5:nobody", "4294967296:S-1-5-18", "1;2;3;4;5;6;7;8;9"})
        EXPECT_FALSE(take({std::string("-ouidmap=") + bad}, options.get())) << bad;
    ASSERT_TRUE(take({"-ouidmap=5000:S-1-5-21-1-2-3-1013;6000"}, options.get()));
    PSID sid = nullptr;
    ASSERT_TRUE(ConvertStringSidToSidW(u"S-1-5-21-1-2-3-1013", &sid));
    UINT32 id = 0;
    EXPECT_EQ(FspPosixMapSidToUid(sid, &id), STATUS_SUCCESS);
    EXPECT_EQ(id, 5000u);
    LocalFree(sid);
    FspPosixSetUidMap(nullptr, nullptr, 0);
}

TEST(FuseOptions, IsLibOption)
{
    for (const char* option :
         {"-h", "debug", "umask=22", "UNC=/a/b", "modules=x", "KeepFileCache", "KeepFileCache=1"})
        EXPECT_EQ(fsp_fuse_is_lib_option(test::native_env(), option), 1) << option;
    for (const char* option : {"-f", "umask", "entry_timeout=1", "unknown"})
        EXPECT_EQ(fsp_fuse_is_lib_option(test::native_env(), option), 0) << option;
}

TEST(FuseMountPoint, Forms)
{
    const auto parse = [](const char* text) {
        WCHAR out[fsp::winfuse::mount_point_capacity] = {};
        return fsp::winfuse::parse_mount_point(*test::native_env(), text, out) ? std::u16string(out)
                                                                               : u"none";
    };
    EXPECT_EQ(parse(nullptr), u"*");
    EXPECT_EQ(parse(""), u"*");
    EXPECT_EQ(parse("*"), u"*");
    EXPECT_EQ(parse("x:"), u"x:");
    EXPECT_EQ(parse("\\\\.\\X:"), u"\\\\.\\X:");
    EXPECT_EQ(parse("\\\\?\\X:\\dir"), u"\\\\?\\X:\\dir");
    EXPECT_EQ(parse("C:\\mnt\\caf\xc3\xa9"), u"C:\\mnt\\caf\u00e9");
    EXPECT_EQ(parse(std::string(300, 'x').c_str()), u"none");
}

TEST(FuseErrors, OfBothRunTimeLibraries)
{
    struct fsp_fuse_env cygwin = *test::native_env();
    cygwin.environment = 'C';
    const auto native = [](int error) { return fsp_fuse_ntstatus_from_errno(test::native_env(), error); };
    const auto other = [&](int error) { return fsp_fuse_ntstatus_from_errno(&cygwin, error); };
    EXPECT_EQ(native(0), STATUS_SUCCESS);
    EXPECT_EQ(native(-2), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(native(2), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(native(40), STATUS_INVALID_DEVICE_REQUEST);
    EXPECT_EQ(other(88), STATUS_INVALID_DEVICE_REQUEST);
    EXPECT_EQ(native(88), STATUS_ACCESS_DENIED);
    EXPECT_EQ(native(41), STATUS_DIRECTORY_NOT_EMPTY);
    EXPECT_EQ(other(-90), STATUS_DIRECTORY_NOT_EMPTY);
    EXPECT_EQ(native(11), STATUS_ACCESS_DENIED); // EAGAIN
    EXPECT_EQ(native(INT_MIN), STATUS_ACCESS_DENIED);
    EXPECT_EQ(native(16), STATUS_DEVICE_BUSY);
    EXPECT_EQ(other(116), STATUS_TRANSACTION_TIMED_OUT);
}

} // namespace
