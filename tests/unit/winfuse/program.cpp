// SPDX-License-Identifier: MIT
#include "program.h"

#include "dll/fuse/file_system.h"

namespace test {
namespace {

using std::string;
using PlainStat = struct fuse_stat;

string octal(int64_t number)
{
    char text[32];
    std::snprintf(text, sizeof text, "%llo", static_cast<unsigned long long>(number));
    return text;
}

int fill_stat(const File& file, PlainStat* out)
{
    auto& st = *reinterpret_cast<fuse_stat_ex*>(out);
    st.st_mode = file.mode;
    st.st_uid = file.uid;
    st.st_gid = file.gid;
    st.st_rdev = file.device;
    st.st_size = static_cast<fuse_off_t>(file.data.size());
    st.st_atim = file.accessed;
    st.st_mtim = file.written;
    st.st_ctim = file.changed;
    st.st_birthtim = file.born;
    st.st_ino = 7;
    if (world().want & FSP_FUSE_CAP_STAT_EX)
        st.st_flags = file.flags;
    return 0;
}

/// The directory part of a path is `directory`.
bool is_child(const string& path, const string& directory)
{
    const size_t slash = path.rfind('/');
    return path != "/" && path.substr(0, slash == 0 ? 1 : slash) == directory;
}

template<class Action> int with(const char* path, Action action)
{
    File* file = world().find(path);
    return file ? action(*file) : -no_entry;
}

int do_getattr(const char* path, PlainStat* out)
{
    world().see(string("getattr ") + path);
    File* file = world().find(path);
    if (file)
        return fill_stat(*file, out);
    return std::strncmp(path, "/l/", 3) == 0 ? world().below_links : -no_entry;
}

int do_create(const char* path, fuse_mode_t mode, fuse_file_info* fi)
{
    world().see(string("create ") + path + " " + octal(mode) + " flags " + octal(fi->flags));
    if (world().find(path))
        return -exists;
    world().files[path] = {.mode = 0100000 | mode};
    fi->fh = 5;
    return 0;
}

int do_rename(const char* from, const char* to)
{
    world().see(string("rename ") + from + " " + to);
    File* file = world().find(from);
    if (!file)
        return -no_entry;
    world().files[to] = *file;
    world().files.erase(from);
    return 0;
}

int do_readdir(const char* path, void* buffer, fuse_fill_dir_t fill, fuse_off_t, fuse_file_info*)
{
    world().see(string("readdir ") + path);
    fill(buffer, ".", nullptr, 0);
    fill(buffer, "..", nullptr, 0);
    for (const auto& [name, file] : world().files)
        if (is_child(name, path)) {
            fuse_stat_ex st{};
            fill_stat(file, reinterpret_cast<PlainStat*>(&st));
            if (fill(buffer, name.substr(name.rfind('/') + 1).c_str(), reinterpret_cast<PlainStat*>(&st), 0))
                break;
        }
    return 0;
}

} // namespace

World& world()
{
    static World the_world;
    return the_world;
}

int World::see(const string& call)
{
    calls.push_back(call);
    context = *fsp_fuse_get_context(native_env());
    return 0;
}

string World::seen()
{
    string all;
    for (const string& call : calls)
        all += call + "\n";
    calls.clear();
    return all;
}

fuse_operations full_table()
{
    fuse_operations on{};
    on.init = [](fuse_conn_info* conn) -> void* {
        world().see("init");
        world().connection = *conn;
        conn->want = world().want;
        return fsp_fuse_get_context(native_env())->private_data;
    };
    on.destroy = [](void*) { world().see("destroy"); };
    on.getattr = do_getattr;
    on.fgetattr = [](const char* path, PlainStat* out, fuse_file_info* fi) {
        world().see(string("fgetattr ") + path + " fh " + octal(int64_t(fi->fh)));
        return with(path, [&](File& file) { return fill_stat(file, out); });
    };
    on.readlink = [](const char* path, char* out, size_t size) {
        world().see(string("readlink ") + path);
        return with(path, [&](File& file) {
            if ((file.mode & 0170000) != 0120000)
                return -invalid;
            out[file.data.copy(out, size - 1)] = 0;
            return 0;
        });
    };
    on.mknod = [](const char* path, fuse_mode_t mode, fuse_dev_t device) {
        world().see(string("mknod ") + path + " " + octal(mode) + " " + octal(device));
        world().files[path] = {.mode = mode, .device = device};
        return 0;
    };
    on.mkdir = [](const char* path, fuse_mode_t mode) {
        world().see(string("mkdir ") + path + " " + octal(mode));
        world().files[path] = {.mode = 0040000 | mode};
        return 0;
    };
    on.unlink = [](const char* path) {
        world().see(string("unlink ") + path);
        return world().files.erase(path) ? 0 : -no_entry;
    };
    on.rmdir = [](const char* path) {
        world().see(string("rmdir ") + path);
        return world().files.erase(path) ? 0 : -no_entry;
    };
    on.symlink = [](const char* target, const char* path) {
        world().see(string("symlink ") + target + " " + path);
        world().files[path] = {.mode = 0120777, .data = target};
        return 0;
    };
    on.rename = do_rename;
    on.chmod = [](const char* path, fuse_mode_t mode) {
        world().see(string("chmod ") + path + " " + octal(mode));
        return with(path, [&](File& file) { return file.mode = (file.mode & 0170000) | mode, 0; });
    };
    on.chown = [](const char* path, fuse_uid_t uid, fuse_gid_t gid) {
        world().see(string("chown ") + path + " " + std::to_string(uid) + " " + std::to_string(gid));
        return with(path, [&](File& file) { return file.uid = uid, file.gid = gid, 0; });
    };
    on.ftruncate = [](const char* path, fuse_off_t size, fuse_file_info*) {
        world().see(string("ftruncate ") + path + " " + std::to_string(size));
        return with(path, [&](File& file) { return file.data.resize(size_t(size)), 0; });
    };
    on.open = [](const char* path, fuse_file_info* fi) {
        world().see(string("open ") + path + " flags " + octal(fi->flags));
        fi->fh = 6;
        return world().find(path) ? 0 : -no_entry;
    };
    on.create = do_create;
    on.read = [](const char* path, char* out, size_t size, fuse_off_t off, fuse_file_info* fi) {
        world().see(string("read ") + path + " fh " + octal(int64_t(fi->fh)));
        return with(path, [&](File& file) {
            return size_t(off) >= file.data.size() ? 0 : int(file.data.copy(out, size, size_t(off)));
        });
    };
    on.write = [](const char* path, const char* data, size_t size, fuse_off_t off, fuse_file_info*) {
        world().see(string("write ") + path + " " + std::to_string(off) + " " + std::to_string(size));
        return with(path, [&](File& file) {
            if (file.data.size() < size_t(off) + size)
                file.data.resize(size_t(off) + size);
            file.data.replace(size_t(off), size, data, size);
            return int(size);
        });
    };
    on.statfs = [](const char* path, struct fuse_statvfs* out) {
        world().see(string("statfs ") + path);
        out->f_frsize = 1024;
        out->f_blocks = 100;
        out->f_bfree = 40;
        out->f_namemax = 200;
        return 0;
    };
    on.flush = [](const char* path, fuse_file_info*) { return world().see(string("flush ") + path); };
    on.release = [](const char* path, fuse_file_info* fi) {
        return world().see(string("release ") + path + " fh " + octal(int64_t(fi->fh)));
    };
    on.fsync = [](const char* path, int, fuse_file_info*) { return world().see(string("fsync ") + path); };
    on.readdir = do_readdir;
    on.releasedir = [](const char* path, fuse_file_info*) {
        return world().see(string("releasedir ") + path);
    };
    on.setxattr = [](const char* path, const char* name, const char* value, size_t size, int) {
        world().see(string("setxattr ") + path + " " + name);
        return with(path, [&](File& file) { return file.attributes[name].assign(value, size), 0; });
    };
    on.getxattr = [](const char* path, const char* name, char* out, size_t size) {
        return with(path, [&](File& file) {
            const auto found = file.attributes.find(name);
            return found == file.attributes.end() ? -120 : int(found->second.copy(out, size));
        });
    };
    on.listxattr = [](const char* path, char* out, size_t size) {
        return with(path, [&](File& file) {
            string names;
            for (const auto& [name, value] : file.attributes)
                names += name + '\0';
            return int(names.copy(out, size));
        });
    };
    on.removexattr = [](const char* path, const char* name) {
        world().see(string("removexattr ") + path + " " + name);
        return with(path, [&](File& file) { return file.attributes.erase(name) ? 0 : -120; });
    };
    on.utimens = [](const char* path, const fuse_timespec times[2]) {
        world().see(string("utimens ") + path + " " + std::to_string(times[0].tv_sec) + " " +
                    std::to_string(times[1].tv_sec));
        return with(path, [&](File& file) { return file.accessed = times[0], file.written = times[1], 0; });
    };
    on.ioctl = [](const char* path, int command, void*, fuse_file_info*, unsigned, void* data) {
        world().see(string("ioctl ") + path + " " + octal(unsigned(command)));
        for (char* at = static_cast<char*>(data); *at; ++at)
            *at = char(std::toupper(*at));
        return 0;
    };
    return on;
}

// ---- The driver's side ------------------------------------------------------------------------------

Program::Program(const fuse_operations& on, std::vector<string> options, bool multi_threaded)
{
    fake::reset();
    world().calls.clear();
    std::vector<char*> words;
    string name = "program";
    words.push_back(name.data());
    for (string& option : options)
        words.push_back(option.data());
    fuse_args args = FUSE_ARGS_INIT(int(words.size()), words.data());
    fuse_chan* ch = fsp_fuse_mount(native_env(), "/tmp", &args);
    f_ = fsp_fuse_new(native_env(), ch, &args, &on, sizeof on, this);
    fsp_fuse_unmount(native_env(), "/tmp", ch);
    fsp_fuse_opt_free_args(native_env(), &args);
    if (!f_)
        return;
    thread_ = std::thread([this, multi_threaded] {
        result_ = multi_threaded ? fsp_fuse_loop_mt(native_env(), f_) : fsp_fuse_loop(native_env(), f_);
        const std::lock_guard lock(fake::transport().mutex);
        fake::transport().stopped = true;
        fake::transport().changed.notify_all();
        ended_ = true;
    });
    wait_until_served();
}

void Program::wait_until_served()
{
    fake::Transport& t = fake::transport();
    for (;;) {
        {
            const std::lock_guard lock(t.mutex);
            if (t.stopped || t.transact0 != 0)
                return;
        }
        std::this_thread::yield();
    }
}

void Program::stop()
{
    if (!thread_.joinable())
        return;
    fsp_fuse_exit(native_env(), f_);
    thread_.join();
}

void Program::interrupt()
{
    // The service may not be up yet.
    for (; !ended_; std::this_thread::yield())
        fsp_fuse_signal_handler(2);
    thread_.join();
}

Program::~Program()
{
    stop();
    if (f_)
        fsp_fuse_destroy(native_env(), f_);
}

FSP_FSCTL_VOLUME_PARAMS Program::params() const
{
    // One byte in each character of the name of the device.
    const std::u16string& path = fake::transport().opened_path;
    const size_t at = path.find(u'=') + 1;
    FSP_FSCTL_VOLUME_PARAMS params;
    auto* bytes = reinterpret_cast<UINT8*>(&params);
    for (size_t i = 0; i < sizeof params && at + i < path.size(); ++i)
        bytes[i] = static_cast<UINT8>(path[at + i]);
    return params;
}

Program::Answer Program::ask(RequestBuilder request)
{
    request.request()->Hint = ++hint_;
    return {fake::transport().ask(request.bytes())};
}

Program::Answer Program::open(const Open& how)
{
    RequestBuilder builder(FspFsctlTransactCreateKind);
    builder.name(how.name);
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    ULONG size = 0;
    ConvertStringSecurityDescriptorToSecurityDescriptorW(u"O:SYG:BAD:P(A;;FA;;;SY)(A;;FR;;;BA)",
                                                         SDDL_REVISION_1, &descriptor, &size);
    const FSP_FSCTL_TRANSACT_BUF security = builder.add(descriptor, size);
    LocalFree(descriptor);
    const FSP_FSCTL_TRANSACT_BUF ea =
        how.ea.empty() ? FSP_FSCTL_TRANSACT_BUF{} : builder.add(how.ea.data(), how.ea.size());
    auto& create = builder.request()->Req.Create;
    create.CreateOptions = how.disposition << 24 | how.options;
    create.FileAttributes = how.attributes;
    create.SecurityDescriptor = security;
    create.Ea = ea;
    create.AccessToken = UINT64{fake::process} << 32 | reinterpret_cast<UINT_PTR>(fake::token);
    create.DesiredAccess = how.access;
    create.UserMode = 1;
    create.HasTraversePrivilege = 1;
    return ask(builder);
}

UINT64 Program::opened(const Open& how)
{
    const Answer answer = open(how);
    EXPECT_EQ(answer.status(), STATUS_SUCCESS);
    return answer->Rsp.Create.Opened.UserContext2;
}

RequestBuilder Program::about(UINT32 kind, UINT64 context)
{
    RequestBuilder builder(kind);
    builder.request()->Req.Context.UserContext2 = context;
    return builder;
}

NTSTATUS Program::close(UINT64 context) { return ask(about(FspFsctlTransactCloseKind, context)).status(); }

string Program::read(UINT64 context, UINT64 offset, UINT32 length, NTSTATUS* status)
{
    string data(length, 0);
    RequestBuilder builder = about(FspFsctlTransactReadKind, context);
    auto& read = builder.request()->Req.Read;
    read.Address = reinterpret_cast<UINT_PTR>(data.data());
    read.Offset = offset;
    read.Length = length;
    const Answer answer = ask(builder);
    if (status)
        *status = answer.status();
    data.resize(answer->IoStatus.Information);
    return data;
}

Program::Answer Program::write(UINT64 context, UINT64 offset, string data, bool constrained)
{
    RequestBuilder builder = about(FspFsctlTransactWriteKind, context);
    auto& write = builder.request()->Req.Write;
    write.Address = reinterpret_cast<UINT_PTR>(data.data());
    write.Offset = offset;
    write.Length = static_cast<UINT32>(data.size());
    write.ConstrainedIo = constrained;
    return ask(builder);
}

std::vector<std::u16string> Program::list(UINT64 context)
{
    std::vector<UINT64> buffer(8192);
    RequestBuilder builder = about(FspFsctlTransactQueryDirectoryKind, context);
    auto& query = builder.request()->Req.QueryDirectory;
    query.Address = reinterpret_cast<UINT_PTR>(buffer.data());
    query.Length = static_cast<UINT32>(buffer.size() * 8);
    const Answer answer = ask(builder);
    EXPECT_EQ(answer.status(), STATUS_SUCCESS);
    std::vector<std::u16string> names;
    const auto* bytes = reinterpret_cast<const UINT8*>(buffer.data());
    for (size_t at = 0; at + sizeof(UINT16) <= answer->IoStatus.Information;) {
        const auto* info = reinterpret_cast<const FSP_FSCTL_DIR_INFO*>(bytes + at);
        if (info->Size == 0)
            break;
        names.emplace_back(info->FileNameBuf, (info->Size - sizeof *info) / sizeof(WCHAR));
        at += (info->Size + 7u) & ~7u;
    }
    return names;
}

} // namespace test
