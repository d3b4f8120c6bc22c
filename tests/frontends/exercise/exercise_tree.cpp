// SPDX-License-Identifier: MIT
//
// exercise_tree DIRECTORY MODEL [SEED [OPERATIONS]]
//
// Does the same random work on names, modes, owners, times and attributes in two directories, as several
// users, and compares every result: success or errno, what stat says afterwards, which times moved. MODEL is
// a directory of a file system that is known to be right. Stops at the first difference, with the last
// operations and the seed. Needs root. Left out is what not every drive has: hard links, and devices,
// which FUSE does not let be opened (nodev).
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

struct User
{
    const char* name;
    uid_t uid;
    gid_t gid;
    std::vector<gid_t> groups;
};

const User users[] = {
    {"root", 0, 0, {}},
    {"alice", 20001, 20001, {20100, 20101}},
    {"bob", 20002, 20002, {20100}},
};

void become(const User& user)
{
    if (seteuid(0) != 0 || setgroups(user.groups.size(), user.groups.data()) != 0 || setegid(user.gid) != 0 ||
        seteuid(user.uid) != 0)
    {
        perror("exercise_tree: becoming another user");
        exit(2);
    }
}

std::string outcome(long result) { return result >= 0 ? "ok" : strerrorname_np(errno); }

std::string describe(const struct stat& info)
{
    char text[160];
    const bool directory = S_ISDIR(info.st_mode);
    const bool device = S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
    snprintf(text, sizeof text, "%06o %u:%u links %s size %lld rdev %llx", info.st_mode, info.st_uid,
             info.st_gid, directory ? "-" : std::to_string(info.st_nlink).c_str(),
             directory ? 0 : static_cast<long long>(info.st_size),
             device ? static_cast<unsigned long long>(info.st_rdev) : 0);
    return text;
}

/// Times that tell two changes in a row apart, as Linux has them since 6.13 on the common file systems.
bool has_fine_times(const std::string& directory)
{
    const std::string path = directory + "/exercise.times";
    close(creat(path.c_str(), 0600));
    bool fine = true;
    struct stat before, after;
    for (int i = 0; i < 16; ++i) {
        lstat(path.c_str(), &before);
        chmod(path.c_str(), i % 2 ? 0600 : 0644);
        lstat(path.c_str(), &after);
        fine = fine && (before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
                        before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
    }
    unlink(path.c_str());
    return fine;
}

bool same_time(const timespec& a, const timespec& b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// One of the two directories.
struct Side
{
    std::string root;
    std::map<int, int> open_files; ///< slot, descriptor

    std::string at(const std::string& path) const { return root + "/" + path; }
    int file(int slot) const
    {
        const auto found = open_files.find(slot);
        return found == open_files.end() ? -1 : found->second;
    }
};

using Action = std::function<std::string(Side&)>;

class Exercise
{
  public:
    Exercise(const std::string& directory, const std::string& model, uint64_t seed) : random_(seed)
    {
        sides_[0].root = directory + "/exercise." + std::to_string(seed);
        sides_[1].root = model + "/exercise." + std::to_string(seed);
        umask(0);
        compares_times_ = has_fine_times(directory) && has_fine_times(model);
        if (!compares_times_)
            printf("times are not compared: two changes in a row have the same\n");
        for (const Side& side : sides_) {
            if (mkdir(side.root.c_str(), 0777) != 0) {
                perror(side.root.c_str());
                exit(2);
            }
        }
    }

    void step()
    {
        using Operation = void (Exercise::*)();
        static constexpr struct
        {
            unsigned weight;
            Operation run;
        } operations[] = {
            {14, &Exercise::open},     {4, &Exercise::close},       {8, &Exercise::make_directory},
            {4, &Exercise::rmdir},     {7, &Exercise::unlink},      {14, &Exercise::rename},
            {5, &Exercise::symlink},   {3, &Exercise::readlink},    {5, &Exercise::make_node},
            {8, &Exercise::chmod},     {8, &Exercise::chown},       {4, &Exercise::truncate},
            {6, &Exercise::set_times}, {5, &Exercise::look},        {5, &Exercise::access},
            {5, &Exercise::list},      {4, &Exercise::attributes},  {3, &Exercise::write_open},
            {3, &Exercise::stat_open}, {3, &Exercise::change_open}, {2, &Exercise::read_open},
        };
        unsigned total = 0;
        for (const auto& operation : operations)
            total += operation.weight;
        auto drawn = unsigned(below(total));
        for (const auto& operation : operations) {
            if (drawn < operation.weight)
                return (this->*operation.run)();
            drawn -= operation.weight;
        }
    }

    /// Compares both trees and removes them.
    void finish()
    {
        become(users[0]);
        for (Side& side : sides_)
            for (const auto& [slot, descriptor] : side.open_files)
                ::close(descriptor);
        history_.clear();
        std::string trees[2];
        for (int i = 0; i < 2; ++i)
            walk(sides_[i].root, &trees[i]);
        if (trees[0] != trees[1])
            fail("the trees differ:\n" + trees[0] + "---\n" + trees[1]);
        for (const Side& side : sides_)
            if (system(("rm -rf " + side.root).c_str()) != 0 || ::access(side.root.c_str(), F_OK) == 0)
                fail("cannot remove " + side.root);
    }

  private:
    uint64_t below(uint64_t limit) { return random_() % limit; }
    template<typename T, size_t n> const T& one_of(const T (&list)[n]) { return list[below(n)]; }

    std::string name()
    {
        static const std::string names[] = {"a", "b", "c", "d", "e", "A", "x:y", "CON"};
        if (below(200) == 0)
            return std::string(below(2) ? 255 : 256, 'n');
        return one_of(names);
    }

    std::string path()
    {
        std::string out = name();
        while (below(5) < 2)
            out = name() + "/" + out;
        if (below(40) == 0)
            out += "/";
        if (below(100) == 0)
            out += "/.";
        return out;
    }

    mode_t mode()
    {
        static const mode_t modes[] = {0777, 0777, 0755, 0700,  0644,  0600,  0000,  0070,  0007,  0444,
                                       0555, 0711, 0333, 01777, 02777, 04755, 06755, 02755, 07777, 02644};
        return one_of(modes);
    }

    static std::string octal(mode_t mode)
    {
        char text[16];
        snprintf(text, sizeof text, "%04o", mode);
        return text;
    }

    static std::string parent(const std::string& path)
    {
        std::string trimmed = path;
        while (trimmed.size() > 1 && trimmed.back() == '/')
            trimmed.pop_back();
        const size_t slash = trimmed.rfind('/');
        return slash == std::string::npos ? "." : trimmed.substr(0, slash);
    }

    /// Does the action on both sides as a random user and compares what came of it, also to the paths.
    void both(const std::string& what, const std::vector<std::string>& paths, const Action& action)
    {
        const User& user = below(3) == 0 ? users[0] : users[1 + below(2)];
        history_.push_back(std::string(user.name) + ": " + what);
        if (history_.size() > 30)
            history_.pop_front();

        std::vector<std::string> watched;
        for (const std::string& path : paths) {
            watched.push_back(path);
            watched.push_back(parent(path));
        }
        std::string results[2];
        for (int i = 0; i < 2; ++i) {
            Side& side = sides_[i];
            become(users[0]);
            std::vector<struct stat> before(watched.size());
            std::vector<bool> there(watched.size());
            for (size_t n = 0; n < watched.size(); ++n)
                there[n] = lstat(side.at(watched[n]).c_str(), &before[n]) == 0;
            become(user);
            results[i] = action(side);
            become(users[0]);
            for (size_t n = 0; n < watched.size(); ++n) {
                struct stat after;
                if (lstat(side.at(watched[n]).c_str(), &after) != 0) {
                    results[i] += "; " + watched[n] + ": " + strerrorname_np(errno);
                    continue;
                }
                results[i] += "; " + watched[n] + ": " + describe(after);
                if (compares_times_ && there[n] && before[n].st_ino == after.st_ino) {
                    if (!same_time(before[n].st_mtim, after.st_mtim))
                        results[i] += " mtime";
                    if (!same_time(before[n].st_ctim, after.st_ctim))
                        results[i] += " ctime";
                }
            }
        }
        history_.back() += " -> " + results[1];
        if (results[0] != results[1])
            fail("here:  " + results[0] + "\nmodel: " + results[1]);
    }

    [[noreturn]] void fail(const std::string& what)
    {
        for (const std::string& line : history_)
            printf("  %s\n", line.c_str());
        printf("exercise_tree: different\n%s\n", what.c_str());
        exit(1);
    }

    void open()
    {
        static const int accesses[] = {O_RDONLY, O_WRONLY, O_RDWR};
        int flags = one_of(accesses) | O_CLOEXEC | O_NONBLOCK;
        for (const auto& [flag, odds] : {std::pair(O_CREAT, 2), std::pair(O_EXCL, 4), std::pair(O_TRUNC, 3),
                                         std::pair(O_APPEND, 4), std::pair(O_NOFOLLOW, 6)})
            if (below(unsigned(odds)) == 0)
                flags |= flag;
        if (below(12) == 0)
            flags = (flags & ~O_CREAT) | O_DIRECTORY;
        const std::string target = path();
        const mode_t bits = mode();
        const int slot = int(below(6));
        char text[64];
        snprintf(text, sizeof text, " flags %o mode %04o as %d", flags, bits, slot);
        both("open " + target + text, {target}, [&](Side& side) {
            const int descriptor = ::open(side.at(target).c_str(), flags, bits);
            std::string out = outcome(descriptor);
            if (descriptor < 0)
                return out;
            struct stat info;
            fstat(descriptor, &info);
            out += ' ';
            out += describe(info);
            if (const int old = side.file(slot); old >= 0)
                ::close(old);
            side.open_files[slot] = descriptor;
            return out;
        });
    }

    void close()
    {
        const int slot = int(below(6));
        both("close " + std::to_string(slot), {}, [&](Side& side) {
            const int descriptor = side.file(slot);
            side.open_files.erase(slot);
            return descriptor < 0 ? std::string("none") : outcome(::close(descriptor));
        });
    }

    void make_directory()
    {
        const std::string target = path();
        const mode_t bits = mode();
        both("mkdir " + target + " " + octal(bits), {target},
             [&](Side& side) { return outcome(mkdir(side.at(target).c_str(), bits)); });
    }

    void rmdir()
    {
        const std::string target = path();
        both("rmdir " + target, {target},
             [&](Side& side) { return outcome(::rmdir(side.at(target).c_str())); });
    }

    void unlink()
    {
        const std::string target = path();
        both("unlink " + target, {target},
             [&](Side& side) { return outcome(::unlink(side.at(target).c_str())); });
    }

    void rename()
    {
        const std::string from = path(), to = path();
        const bool only_new = below(5) == 0;
        both("rename " + from + " to " + to + (only_new ? ", not replacing" : ""), {from, to},
             [&](Side& side) {
                 return outcome(only_new ? renameat2(AT_FDCWD, side.at(from).c_str(), AT_FDCWD,
                                                     side.at(to).c_str(), RENAME_NOREPLACE)
                                         : ::rename(side.at(from).c_str(), side.at(to).c_str()));
             });
    }

    void symlink()
    {
        const std::string target = path(), text = below(30) == 0 ? std::string(1500, 't') : path();
        both("symlink " + target + " to " + text, {target},
             [&](Side& side) { return outcome(::symlink(text.c_str(), side.at(target).c_str())); });
    }

    void readlink()
    {
        const std::string target = path();
        both("readlink " + target, {target}, [&](Side& side) {
            char text[5000];
            const ssize_t n = ::readlink(side.at(target).c_str(), text, sizeof text);
            return n < 0 ? outcome(n) : std::string(text, size_t(n));
        });
    }

    void make_node()
    {
        static const mode_t types[] = {S_IFIFO, S_IFSOCK, S_IFREG};
        const std::string target = path();
        const mode_t bits = one_of(types) | mode();
        both("mknod " + target + " " + octal(bits), {target},
             [&](Side& side) { return outcome(mknod(side.at(target).c_str(), bits, 0)); });
    }

    void chmod()
    {
        const std::string target = path();
        const mode_t bits = mode();
        both("chmod " + target + " " + octal(bits), {target},
             [&](Side& side) { return outcome(::chmod(side.at(target).c_str(), bits)); });
    }

    void chown()
    {
        static const uid_t ids[] = {0, 20001, 20002, uid_t(-1), uid_t(-1)};
        static const gid_t groups[] = {0, 20001, 20002, 20100, 20101, gid_t(-1), gid_t(-1)};
        const std::string target = path();
        const uid_t uid = one_of(ids);
        gid_t gid = one_of(groups);
        if (uid == uid_t(-1) &&
            gid == gid_t(-1)) // through FUSE the owner's alone has an effect, others get no error
            gid = 20100;
        const bool link = below(4) == 0;
        both((link ? "lchown " : "chown ") + target + " " + std::to_string(int(uid)) + ":" +
                 std::to_string(int(gid)),
             {target}, [&](Side& side) {
                 return outcome(
                     fchownat(AT_FDCWD, side.at(target).c_str(), uid, gid, link ? AT_SYMLINK_NOFOLLOW : 0));
             });
    }

    void truncate()
    {
        const std::string target = path();
        const auto size = off_t(below(3) * 5000);
        both("truncate " + target + " " + std::to_string(size), {target},
             [&](Side& side) { return outcome(::truncate(side.at(target).c_str(), size)); });
    }

    void set_times()
    {
        timespec times[2];
        for (timespec& time : times) {
            static const long special[] = {UTIME_NOW, UTIME_OMIT, 0};
            time = {time_t(1000000000 + below(100000000)), one_of(special)};
            if (time.tv_nsec == 0)
                time.tv_nsec = long(below(10000000)) * 100;
        }
        const std::string target = path();
        const bool link = below(4) == 0;
        const bool now = times[1].tv_nsec == UTIME_NOW || times[1].tv_nsec == UTIME_OMIT;
        both("utimens " + target + (link ? ", of the link" : "") +
                 (times[0].tv_nsec == UTIME_NOW    ? " now"
                  : times[0].tv_nsec == UTIME_OMIT ? " omit"
                                                   : " set") +
                 (times[1].tv_nsec == UTIME_NOW    ? " now"
                  : times[1].tv_nsec == UTIME_OMIT ? " omit"
                                                   : " set"),
             {target}, [&](Side& side) {
                 std::string out = outcome(
                     utimensat(AT_FDCWD, side.at(target).c_str(), times, link ? AT_SYMLINK_NOFOLLOW : 0));
                 struct stat info;
                 if (out == "ok" && !now &&
                     fstatat(AT_FDCWD, side.at(target).c_str(), &info, link ? AT_SYMLINK_NOFOLLOW : 0) == 0)
                     out += " " + std::to_string(info.st_mtim.tv_sec) + "." +
                            std::to_string(info.st_mtim.tv_nsec);
                 return out;
             });
    }

    void look()
    {
        const std::string target = path();
        both("stat " + target, {target}, [&](Side& side) {
            struct stat info;
            const int result = stat(side.at(target).c_str(), &info);
            return result == 0 ? describe(info) : outcome(result);
        });
    }

    void access()
    {
        const std::string target = path();
        const int wanted = int(below(8));
        both("access " + target + " " + std::to_string(wanted), {target}, [&](Side& side) {
            return outcome(faccessat(AT_FDCWD, side.at(target).c_str(), wanted, AT_EACCESS));
        });
    }

    void list()
    {
        const std::string target = below(3) == 0 ? "." : path();
        both("list " + target, {target}, [&](Side& side) {
            DIR* const directory = opendir(side.at(target).c_str());
            if (!directory)
                return outcome(-1);
            std::set<std::string> names;
            while (const dirent* entry = readdir(directory))
                names.insert(std::string(entry->d_name) + (entry->d_type == DT_DIR   ? "/"
                                                           : entry->d_type == DT_LNK ? "@"
                                                                                     : ""));
            closedir(directory);
            std::string out;
            for (const std::string& name : names)
                out += name + " ";
            return out;
        });
    }

    void attributes()
    {
        static const std::string names[] = {"user.a", "user.b", "user.Long.name:with=signs", "user.",
                                            "system.x"};
        const std::string target = path(), name = one_of(names);
        // Not the value that it has: some file systems change nothing then, not even a time.
        const std::string value =
            below(3) == 0 ? "" : std::to_string(random_()) + std::string(below(200), 'v');
        const int flags = int(below(3));
        const unsigned kind = unsigned(below(4));
        static const char* const verbs[] = {"setxattr ", "getxattr ", "removexattr ", "listxattr "};
        both(verbs[kind] + target + " " + name, {target}, [&](Side& side) {
            const std::string full = side.at(target);
            char buffer[4096];
            ssize_t n;
            switch (kind) {
            case 0:
                return outcome(setxattr(full.c_str(), name.c_str(), value.data(), value.size(), flags));
            case 1:
                n = getxattr(full.c_str(), name.c_str(), buffer, sizeof buffer);
                return n < 0 ? outcome(n) : std::string(buffer, size_t(n));
            case 2:
                return outcome(removexattr(full.c_str(), name.c_str()));
            default:
                n = listxattr(full.c_str(), buffer, sizeof buffer);
                if (n < 0)
                    return outcome(n);
                std::set<std::string> found;
                for (ssize_t i = 0; i < n; i += ssize_t(strlen(buffer + i)) + 1)
                    found.insert(buffer + i);
                std::string out = "names";
                for (const std::string& each : found)
                    out += " " + each;
                return out;
            }
        });
    }

    /// Open files are regular files or directories; fifos would wait.
    static bool is_plain(int descriptor)
    {
        struct stat info;
        return descriptor >= 0 && fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
    }

    void write_open()
    {
        const int slot = int(below(6));
        const auto offset = off_t(below(10000));
        const std::string data(1 + below(2000), char('a' + below(26)));
        both("write to " + std::to_string(slot), {}, [&](Side& side) {
            const int descriptor = side.file(slot);
            if (!is_plain(descriptor))
                return std::string("none");
            std::string out = outcome(pwrite(descriptor, data.data(), data.size(), offset));
            return out + " " + state_of(descriptor);
        });
    }

    void read_open()
    {
        const int slot = int(below(6));
        const auto offset = off_t(below(10000));
        both("read from " + std::to_string(slot), {}, [&](Side& side) {
            const int descriptor = side.file(slot);
            if (!is_plain(descriptor))
                return std::string("none");
            char buffer[3000];
            const ssize_t n = pread(descriptor, buffer, sizeof buffer, offset);
            return n < 0 ? outcome(n) : std::string(buffer, size_t(n));
        });
    }

    static std::string state_of(int descriptor)
    {
        struct stat info;
        return fstat(descriptor, &info) == 0 ? describe(info) : outcome(-1);
    }

    void stat_open()
    {
        const int slot = int(below(6));
        both("fstat " + std::to_string(slot), {}, [&](Side& side) {
            const int descriptor = side.file(slot);
            return descriptor < 0 ? std::string("none") : state_of(descriptor);
        });
    }

    void change_open()
    {
        const int slot = int(below(6));
        const mode_t bits = mode();
        const unsigned kind = unsigned(below(3));
        const auto size = off_t(below(3) * 3000);
        static const char* const verbs[] = {"fchmod ", "fchown to self ", "ftruncate "};
        both(verbs[kind] + std::to_string(slot) + " " + octal(bits) + " " + std::to_string(size), {},
             [&](Side& side) {
                 const int descriptor = side.file(slot);
                 if (!is_plain(descriptor))
                     return std::string("none");
                 const std::string out = outcome(kind == 0   ? fchmod(descriptor, bits)
                                                 : kind == 1 ? fchown(descriptor, geteuid(), uid_t(-1))
                                                             : ftruncate(descriptor, size));
                 return out + " " + state_of(descriptor);
             });
    }

    static void walk(const std::string& root, std::string* out, const std::string& below = ".")
    {
        std::set<std::string> names;
        if (DIR* const directory = opendir((root + "/" + below).c_str())) {
            while (const dirent* entry = readdir(directory))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                    names.insert(entry->d_name);
            closedir(directory);
        }
        for (const std::string& name : names) {
            const std::string path = below + "/" + name;
            struct stat info;
            if (lstat((root + "/" + path).c_str(), &info) != 0)
                *out += path + ": " + strerrorname_np(errno) + "\n";
            else
                *out += path + ": " + describe(info) + "\n";
            if (S_ISDIR(info.st_mode))
                walk(root, out, path);
        }
    }

    std::mt19937_64 random_;
    bool compares_times_ = true;
    Side sides_[2];
    std::deque<std::string> history_;
};

} // namespace

int main(int count, char** arguments)
{
    if (count < 3) {
        fprintf(stderr, "usage: exercise_tree DIRECTORY MODEL [SEED [OPERATIONS]]\n");
        return 2;
    }
    const uint64_t seed = count > 3 ? strtoull(arguments[3], nullptr, 0) : 1;
    const uint64_t operations = count > 4 ? strtoull(arguments[4], nullptr, 0) : 10000;
    setvbuf(stdout, nullptr, _IOLBF, 0);
    Exercise exercise(arguments[1], arguments[2], seed);
    for (uint64_t i = 0; i < operations; ++i)
        exercise.step();
    exercise.finish();
    printf("seed %llu: %llu operations as on the model\n", static_cast<unsigned long long>(seed),
           static_cast<unsigned long long>(operations));
}
