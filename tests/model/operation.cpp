// SPDX-License-Identifier: MIT
#include "model/operation.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <sstream>

namespace fsp::model {

namespace {

constexpr const char* names[] = {"open",           "close",         "read",    "write",      "set_end",
                                 "set_allocation", "set_read_only", "dispose", "dispose_ex", "rename",
                                 "rename_ex",      "stat",          "list"};

struct Field
{
    const char* name;
    ULONG Operation::* member;
};
constexpr Field fields[] = {
    {"access", &Operation::access},   {"share", &Operation::share}, {"disposition", &Operation::disposition},
    {"options", &Operation::options}, {"flags", &Operation::flags}, {"offset", &Operation::offset},
    {"length", &Operation::length}};

bool has_path(Kind kind) { return kind == Kind::open || kind == Kind::rename || kind == Kind::rename_ex; }

std::string narrow(const std::u16string& text) { return {text.begin(), text.end()}; }

template<class T, size_t n> T pick(std::mt19937_64& random, const T (&values)[n])
{
    return values[random() % n];
}

} // namespace

const std::vector<std::u16string>& paths()
{
    static const std::vector<std::u16string> all = {u"\\a",    u"\\b",       u"\\d",       u"\\d\\a",
                                                    u"\\d\\b", u"\\d\\e",    u"\\d\\e\\a", u"\\e",
                                                    u"\\e\\a", u"\\d\\e\\b", u"\\"};
    return all;
}

Operation random_operation(std::mt19937_64& random)
{
    static constexpr Kind kinds[] = {
        Kind::open,           Kind::open,    Kind::open,    Kind::open,         Kind::open,   Kind::open,
        Kind::close,          Kind::close,   Kind::close,   Kind::read,         Kind::write,  Kind::set_end,
        Kind::set_allocation, Kind::dispose, Kind::dispose, Kind::dispose_ex,   Kind::rename, Kind::rename,
        Kind::rename_ex,      Kind::stat,    Kind::list,    Kind::set_read_only};
    static constexpr ULONG accesses[] = {FILE_READ_ATTRIBUTES,
                                         FILE_READ_DATA,
                                         FILE_WRITE_DATA,
                                         FILE_READ_DATA | FILE_WRITE_DATA,
                                         DELETE,
                                         DELETE | FILE_READ_DATA,
                                         FILE_EXECUTE,
                                         FILE_APPEND_DATA,
                                         FILE_ALL_ACCESS,
                                         FILE_ALL_ACCESS};
    Operation o;
    o.kind = pick(random, kinds);
    o.slot = static_cast<int>(random() % slots);
    o.path = static_cast<int>(random() % paths().size());
    switch (o.kind) {
    case Kind::open: {
        const std::u16string& path = paths()[static_cast<size_t>(o.path)];
        const bool directory = path.size() == 1 || path.back() == u'd' || path.back() == u'e';
        o.access = pick(random, accesses);
        o.share = random() % 2 ? 7 : static_cast<ULONG>(random() % 8);
        o.disposition =
            random() % 3 == 0 ? static_cast<ULONG>(FILE_OPEN_IF) : static_cast<ULONG>(random() % 6);
        if (random() % 8 != 0)
            o.options = directory ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE;
        if (random() % 10 == 0)
            o.options |= FILE_DELETE_ON_CLOSE;
        break;
    }
    case Kind::dispose:
        o.flags = random() % 4 != 0;
        break;
    case Kind::dispose_ex:
        o.flags =
            pick(random, {0ul + FILE_DISPOSITION_DO_NOT_DELETE, 0ul + FILE_DISPOSITION_DELETE,
                          0ul + (FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS),
                          0ul + (FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE)});
        break;
    case Kind::rename:
        o.flags = random() % 2;
        break;
    case Kind::rename_ex:
        o.flags = static_cast<ULONG>(random() % 4);
        break;
    case Kind::set_read_only:
        o.flags = random() % 3 == 0;
        break;
    case Kind::read:
    case Kind::write:
    case Kind::set_end:
    case Kind::set_allocation:
        o.offset = static_cast<ULONG>(random() % 3 ? random() % 64 : random() % 10'000);
        o.length = static_cast<ULONG>(random() % 64);
        break;
    default:
        break;
    }
    return o;
}

std::string to_text(const Sequence& sequence)
{
    std::ostringstream out;
    const char* separator = "";
    for (const Operation& o : sequence) {
        out << separator << names[static_cast<size_t>(o.kind)] << ' ' << o.slot;
        separator = "; ";
        if (has_path(o.kind))
            out << ' ' << narrow(paths()[static_cast<size_t>(o.path)]);
        for (const Field& f : fields)
            if (o.*f.member != 0)
                out << ' ' << f.name << '=' << std::hex << o.*f.member << std::dec;
    }
    return out.str();
}

std::optional<Sequence> parse(std::string_view text)
{
    Sequence sequence;
    std::istringstream calls{std::string(text)};
    for (std::string call; std::getline(calls, call, ';');) {
        std::istringstream words(call);
        std::string word;
        Operation o;
        if (!(words >> word))
            continue;
        const auto* name = std::find(std::begin(names), std::end(names), word);
        if (name == std::end(names) || !(words >> o.slot) || o.slot < 0 || o.slot >= slots)
            return std::nullopt;
        o.kind = static_cast<Kind>(name - std::begin(names));
        if (has_path(o.kind)) {
            words >> word;
            const auto path =
                std::find(paths().begin(), paths().end(), std::u16string(word.begin(), word.end()));
            if (path == paths().end())
                return std::nullopt;
            o.path = static_cast<int>(path - paths().begin());
        }
        while (words >> word) {
            const size_t equals = word.find('=');
            const auto* field = std::find_if(std::begin(fields), std::end(fields), [&](const Field& f) {
                return word.substr(0, equals) == f.name;
            });
            if (field == std::end(fields) || equals == std::string::npos)
                return std::nullopt;
            std::from_chars(word.data() + equals + 1, word.data() + word.size(), o.*field->member, 16);
        }
        sequence.push_back(o);
    }
    return sequence;
}

} // namespace fsp::model
