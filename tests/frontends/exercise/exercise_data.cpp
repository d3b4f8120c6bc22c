// SPDX-License-Identifier: MIT
//
// exercise_data DIRECTORY [SEED [OPERATIONS [SIZE]]]
//
// Random work on one file through several descriptors and mappings, beside a model of what it must hold:
// reads, writes, appends, truncation, mappings, fallocate in all modes, copy_file_range, splice, holes,
// direct I/O, caches dropped, reopening, renaming, unlinking while open. Stops at the first difference, with
// the last operations and the seed; the same seed does the same again.
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/falloc.h>

namespace {

using Bytes = std::vector<uint8_t>;

class Exercise
{
  public:
    Exercise(std::string directory, uint64_t seed, size_t most)
        : random_(seed), path_(directory + "/exercise." + std::to_string(seed)), most_(most)
    {
        const int made = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
        must(made >= 0, "create");
        close(made);
        for (int& descriptor : descriptors_)
            reopen(&descriptor);
    }

    Exercise(const Exercise&) = delete;

    ~Exercise()
    {
        for (int descriptor : descriptors_)
            close(descriptor);
        unlink(path_.c_str());
    }

    void step()
    {
        using Operation = void (Exercise::*)();
        static constexpr struct
        {
            unsigned weight;
            Operation run;
        } operations[] = {
            {20, &Exercise::read},     {20, &Exercise::write},    {4, &Exercise::append},
            {10, &Exercise::truncate}, {12, &Exercise::map_read}, {12, &Exercise::map_write},
            {5, &Exercise::allocate},  {8, &Exercise::punch},     {6, &Exercise::zero_range},
            {2, &Exercise::collapse},  {5, &Exercise::copy},      {3, &Exercise::send},
            {6, &Exercise::seek},      {4, &Exercise::direct},    {2, &Exercise::sync},
            {3, &Exercise::forget},    {6, &Exercise::reopen},    {1, &Exercise::rename},
            {1, &Exercise::replace},   {4, &Exercise::status},
        };
        unsigned total = 0;
        for (const auto& operation : operations)
            total += operation.weight;
        unsigned drawn = unsigned(below(total));
        for (const auto& operation : operations) {
            if (drawn < operation.weight) {
                (this->*operation.run)();
                break;
            }
            drawn -= operation.weight;
        }
        if (below(64) == 0)
            compare_all();
    }

    void compare_all()
    {
        note("compare all");
        const int descriptor = ::open(path_.c_str(), O_RDONLY);
        must(descriptor >= 0, "open");
        Bytes found(model_.size() + 100);
        const ssize_t n = full_read(descriptor, found.data(), found.size(), 0);
        close(descriptor);
        compare(found, 0, n, found.size());
    }

  private:
    uint64_t below(uint64_t limit) { return limit ? random_() % limit : 0; }

    void note(const char* format, ...) __attribute__((format(printf, 2, 3)))
    {
        char text[200];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        history_.emplace_back(text);
        if (history_.size() > 40)
            history_.pop_front();
    }

    [[noreturn]] void fail(const std::string& what)
    {
        for (const std::string& line : history_)
            printf("  %s\n", line.c_str());
        printf("exercise_data: %s\n", what.c_str());
        exit(1);
    }

    void must(bool good, const char* what)
    {
        if (!good)
            fail(std::string(what) + ": " + strerror(errno));
    }

    /// Offsets cluster at block, page and end-of-file borders.
    size_t offset(size_t limit)
    {
        size_t at = below(limit + 1);
        switch (below(5)) {
        case 0:
            at &= ~size_t(4095);
            break;
        case 1:
            at &= ~size_t(65535);
            break;
        case 2:
            at = std::min(limit, model_.size() - std::min<size_t>(model_.size(), below(3)));
            break;
        default:
            break;
        }
        return std::min(at, limit);
    }

    size_t length(size_t room)
    {
        const size_t scale[] = {16, 512, 4096, 20000, 70000, 300000};
        size_t n = 1 + below(scale[below(6)]);
        if (below(4) == 0)
            n = (n + 4095) & ~size_t(4095);
        return std::min(n, room);
    }

    void fill(Bytes& data)
    {
        const uint64_t mark = random_();
        for (size_t i = 0; i < data.size(); ++i)
            data[i] = uint8_t(mark >> (i % 8 * 8)) ^ uint8_t(i / 8);
    }

    int any() { return descriptors_[below(std::size(descriptors_))]; }
    int plain() // not for appending
    {
        for (;;) {
            const int descriptor = any();
            if (!(fcntl(descriptor, F_GETFL) & O_APPEND))
                return descriptor;
        }
    }

    static ssize_t full_read(int descriptor, uint8_t* to, size_t size, size_t from)
    {
        size_t done = 0;
        while (done < size) {
            const ssize_t n = pread(descriptor, to + done, size - done, off_t(from + done));
            if (n < 0)
                return -1;
            if (n == 0)
                break;
            done += size_t(n);
        }
        return ssize_t(done);
    }

    void compare(const Bytes& found, size_t from, ssize_t got, size_t asked)
    {
        must(got >= 0, "read");
        const size_t expected = from >= model_.size() ? 0 : std::min(asked, model_.size() - from);
        if (size_t(got) != expected)
            fail("read " + std::to_string(got) + " bytes instead of " + std::to_string(expected));
        for (size_t i = 0; i < expected; ++i)
            if (found[i] != model_[from + i]) {
                size_t last = expected;
                while (found[last - 1] == model_[from + last - 1])
                    --last;
                char text[160];
                snprintf(text, sizeof text, "bytes %zu to %zu differ; first is %02x, not %02x; size %zu",
                         from + i, from + last, found[i], model_[from + i], model_.size());
                fail(text);
            }
    }

    void put(const Bytes& data, size_t at)
    {
        if (model_.size() < at + data.size())
            model_.resize(at + data.size());
        std::copy(data.begin(), data.end(), model_.begin() + long(at));
    }

    void read()
    {
        const size_t at = offset(most_), n = length(most_);
        note("read %zu at %zu", n, at);
        Bytes found(n);
        compare(found, at,
                pread(any(), found.data(), n, off_t(at)) >= 0 ? full_read(any(), found.data(), n, at) : -1,
                n);
    }

    void write()
    {
        const size_t at = offset(most_ - 1);
        Bytes data(length(most_ - at));
        fill(data);
        note("write %zu at %zu (size %zu)", data.size(), at, model_.size());
        must(pwrite(plain(), data.data(), data.size(), off_t(at)) == ssize_t(data.size()), "pwrite");
        put(data, at);
    }

    void append()
    {
        if (model_.size() >= most_)
            return;
        Bytes data(length(most_ - model_.size()));
        fill(data);
        note("append %zu (size %zu)", data.size(), model_.size());
        const int descriptor = ::open(path_.c_str(), O_WRONLY | O_APPEND);
        must(descriptor >= 0, "open for appending");
        must(::write(descriptor, data.data(), data.size()) == ssize_t(data.size()), "append");
        close(descriptor);
        put(data, model_.size());
    }

    void truncate()
    {
        const size_t size = below(10) == 0 ? 0 : offset(most_);
        note("truncate to %zu (size %zu)", size, model_.size());
        must((below(2) ? ftruncate(any(), off_t(size)) : ::truncate(path_.c_str(), off_t(size))) == 0,
             "truncate");
        model_.resize(size);
    }

    void map_read() { map(false); }
    void map_write() { map(true); }

    void map(bool writes)
    {
        if (model_.empty())
            return;
        const size_t at = offset(model_.size() - 1), n = length(model_.size() - at);
        note("map for %s %zu at %zu (size %zu)", writes ? "writing" : "reading", n, at, model_.size());
        const size_t start = at & ~size_t(4095);
        const size_t size = at + n - start;
        const int protection = writes ? PROT_READ | PROT_WRITE : PROT_READ;
        void* const view = mmap(nullptr, size, protection, MAP_SHARED, any(), off_t(start));
        must(view != MAP_FAILED, "mmap");
        auto* const bytes = static_cast<uint8_t*>(view) + (at - start);
        Bytes data(bytes, bytes + n);
        compare(data, at, ssize_t(n), n);
        if (writes) {
            fill(data);
            memcpy(bytes, data.data(), n);
            put(data, at);
            if (below(2))
                must(msync(view, size, MS_SYNC) == 0, "msync");
        }
        // What lies behind the end in the last page reads as zeros.
        const size_t end = (start + size + 4095) & ~size_t(4095);
        if (!writes && start + size == model_.size())
            for (size_t i = model_.size(); i < end; ++i)
                if (static_cast<uint8_t*>(view)[i - start] != 0)
                    fail("not zero behind the end of the file in a mapping");
        munmap(view, size);
    }

    bool fallocate(int mode, size_t at, size_t n)
    {
        if (::fallocate(any(), mode, off_t(at), off_t(n)) == 0)
            return true;
        must(errno == EOPNOTSUPP, "fallocate");
        return false;
    }

    void allocate()
    {
        const bool keep = below(2);
        const size_t at = offset(most_ - 1), n = length(most_ - at);
        note("allocate %zu at %zu%s (size %zu)", n, at, keep ? ", size kept" : "", model_.size());
        if (fallocate(keep ? FALLOC_FL_KEEP_SIZE : 0, at, n) && !keep && at + n > model_.size())
            model_.resize(at + n);
    }

    void clear(size_t at, size_t n)
    {
        for (size_t i = at; i < std::min(at + n, model_.size()); ++i)
            model_[i] = 0;
    }

    void punch()
    {
        const size_t at = offset(most_ - 1), n = length(most_ - at);
        note("punch %zu at %zu (size %zu)", n, at, model_.size());
        if (fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n))
            clear(at, n);
    }

    void zero_range()
    {
        const bool keep = below(2);
        const size_t at = offset(most_ - 1), n = length(most_ - at);
        note("zero %zu at %zu%s (size %zu)", n, at, keep ? ", size kept" : "", model_.size());
        if (!fallocate(FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0), at, n))
            return;
        clear(at, n);
        if (!keep && at + n > model_.size())
            model_.resize(at + n);
    }

    void collapse()
    {
        const size_t n = 4096 * (1 + below(16)), at = offset(most_) & ~size_t(4095);
        if (at + n >= model_.size())
            return;
        note("collapse %zu at %zu (size %zu)", n, at, model_.size());
        if (fallocate(FALLOC_FL_COLLAPSE_RANGE, at, n))
            model_.erase(model_.begin() + long(at), model_.begin() + long(at + n));
    }

    void copy()
    {
        if (model_.empty())
            return;
        const size_t from = offset(model_.size() - 1), to = offset(most_ - 1);
        size_t n = length(std::min(model_.size() - from, most_ - to));
        if (from < to + n && to < from + n) // overlapping ranges are refused
            n = from < to ? to - from : from - to;
        if (n == 0)
            return;
        note("copy %zu from %zu to %zu (size %zu)", n, from, to, model_.size());
        const Bytes data(model_.begin() + long(from), model_.begin() + long(from + n));
        auto in = off_t(from), out = off_t(to);
        size_t done = 0;
        while (done < n) {
            const ssize_t part = copy_file_range(plain(), &in, plain(), &out, n - done, 0);
            if (part < 0 && done == 0 && (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOSYS))
                return;
            must(part > 0, "copy_file_range");
            done += size_t(part);
        }
        put(data, to);
    }

    void send()
    {
        if (model_.empty())
            return;
        const size_t at = offset(model_.size() - 1), n = std::min<size_t>(60000, length(model_.size() - at));
        note("send %zu at %zu", n, at);
        int ends[2];
        must(pipe(ends) == 0, "pipe");
        auto from = off_t(at);
        const ssize_t sent = sendfile(ends[1], any(), &from, n);
        must(sent > 0, "sendfile");
        Bytes found(static_cast<size_t>(sent));
        size_t done = 0;
        while (done < found.size()) {
            const ssize_t part = ::read(ends[0], found.data() + done, found.size() - done);
            must(part > 0, "read of a pipe");
            done += size_t(part);
        }
        close(ends[0]);
        close(ends[1]);
        compare(found, at, sent, size_t(sent));
    }

    /// What is called a hole must read as zeros, and pieces must follow each other.
    void seek()
    {
        note("walk holes (size %zu)", model_.size());
        const int descriptor = any();
        off_t at = 0;
        for (;;) {
            const off_t data = lseek(descriptor, at, SEEK_DATA);
            if (data < 0 && errno == ENXIO)
                break;
            must(data >= at, "SEEK_DATA");
            check_hole(size_t(at), size_t(data));
            const off_t hole = lseek(descriptor, data, SEEK_HOLE);
            must(hole > data && size_t(hole) <= model_.size(), "SEEK_HOLE");
            at = hole;
        }
        check_hole(size_t(at), model_.size());
        if (lseek(descriptor, off_t(model_.size()), SEEK_HOLE) != -1 || errno != ENXIO)
            fail("SEEK_HOLE at the end must be ENXIO");
    }

    void check_hole(size_t from, size_t to)
    {
        for (size_t i = from; i < std::min(to, model_.size()); ++i)
            if (model_[i] != 0)
                fail("byte " + std::to_string(i) + " is called a hole and is not zero");
    }

    void direct()
    {
        const size_t at = offset(most_ - 65536) & ~size_t(4095), n = 4096 * (1 + below(16));
        const bool writes = below(2);
        note("direct %s %zu at %zu (size %zu)", writes ? "write" : "read", n, at, model_.size());
        const int descriptor = ::open(path_.c_str(), O_RDWR | O_DIRECT);
        if (descriptor < 0 && errno == EINVAL)
            return; // not everywhere
        must(descriptor >= 0, "open with O_DIRECT");
        auto* const buffer = static_cast<uint8_t*>(aligned_alloc(4096, n));
        if (writes) {
            Bytes data(n);
            fill(data);
            memcpy(buffer, data.data(), n);
            must(pwrite(descriptor, buffer, n, off_t(at)) == ssize_t(n), "direct write");
            put(data, at);
        } else {
            const ssize_t got = full_read(descriptor, buffer, n, at);
            compare(Bytes(buffer, buffer + n), at, got, n);
        }
        free(buffer);
        close(descriptor);
    }

    void sync()
    {
        note("sync");
        must((below(2) ? fsync(any()) : fdatasync(any())) == 0, "fsync");
    }

    void forget()
    {
        note("forget pages");
        const int descriptor = any();
        must(fsync(descriptor) == 0, "fsync");
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    }

    void reopen()
    {
        int& descriptor = descriptors_[1 + below(std::size(descriptors_) - 1)];
        close(descriptor);
        reopen(&descriptor);
    }

    void reopen(int* descriptor)
    {
        int flags = O_RDWR;
        if (descriptor != descriptors_ && below(4) == 0)
            flags |= O_APPEND;
        if (below(40) == 0) {
            flags |= O_TRUNC;
            model_.clear();
        }
        note("reopen%s%s", flags & O_APPEND ? ", appending" : "", flags & O_TRUNC ? ", truncating" : "");
        *descriptor = ::open(path_.c_str(), flags);
        must(*descriptor >= 0, "open");
    }

    void rename()
    {
        const std::string other = path_ + (below(2) ? ".a" : ".b");
        note("rename");
        must(::rename(path_.c_str(), other.c_str()) == 0, "rename");
        path_ = other;
    }

    /// The name goes; work goes on with a file without a name, then with a new one.
    void replace()
    {
        note("unlink while open");
        must(unlink(path_.c_str()) == 0, "unlink");
        Bytes found(model_.size() + 1);
        compare(found, 0, full_read(any(), found.data(), found.size(), 0), found.size());
        Bytes data(1000);
        fill(data);
        must(pwrite(descriptors_[0], data.data(), data.size(), 500) == ssize_t(data.size()), "pwrite");
        put(data, 500);
        found.assign(model_.size() + 1, 0);
        compare(found, 0, full_read(any(), found.data(), found.size(), 0), found.size());

        const int made = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0644);
        must(made >= 0, "create");
        close(made);
        model_.clear();
        for (int& descriptor : descriptors_) {
            close(descriptor);
            reopen(&descriptor);
        }
    }

    void status()
    {
        note("status");
        struct stat info;
        must((below(2) ? fstat(any(), &info) : stat(path_.c_str(), &info)) == 0, "stat");
        if (size_t(info.st_size) != model_.size())
            fail("size is " + std::to_string(info.st_size) + ", not " + std::to_string(model_.size()));
        if (lseek(any(), 0, SEEK_END) != off_t(model_.size()))
            fail("SEEK_END finds another size");
    }

    std::mt19937_64 random_;
    std::string path_;
    const size_t most_;
    Bytes model_;
    int descriptors_[5]; // the first is never for appending
    std::deque<std::string> history_;
};

} // namespace

int main(int count, char** arguments)
{
    if (count < 2) {
        fprintf(stderr, "usage: exercise_data DIRECTORY [SEED [OPERATIONS [SIZE]]]\n");
        return 2;
    }
    const uint64_t seed = count > 2 ? strtoull(arguments[2], nullptr, 0) : 1;
    const uint64_t operations = count > 3 ? strtoull(arguments[3], nullptr, 0) : 10000;
    const size_t size = count > 4 ? strtoull(arguments[4], nullptr, 0) : 1000000;
    setvbuf(stdout, nullptr, _IOLBF, 0);
    Exercise exercise(arguments[1], seed, size);
    for (uint64_t i = 0; i < operations; ++i)
        exercise.step();
    exercise.compare_all();
    printf("seed %llu: %llu operations agree with the model\n", static_cast<unsigned long long>(seed),
           static_cast<unsigned long long>(operations));
}
