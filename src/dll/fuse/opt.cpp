// SPDX-License-Identifier: MIT
//
// fsp_fuse_opt_*: command lines by a table of templates.
#include "dll/fuse/opt.h"

#include <string>

namespace fsp::winfuse {
namespace {

constexpr unsigned is_key = ~0u; ///< offset of an entry whose value is a key

/// How an argument fits a template.
struct Match
{
    enum Kind
    {
        none,
        exact,
        value_here, ///< the value is the rest of the argument
        value_next, ///< the value is the next argument
    } kind;
    const char* format;
    const char* value;
};

Match match(const char* t, const char* a)
{
    for (;; ++t, ++a) {
        if (*a == 0)
            return *t == 0     ? Match{Match::exact, nullptr, nullptr}
                   : *t == ' ' ? Match{Match::value_next, t + 1, nullptr}
                               : Match{Match::none, nullptr, nullptr};
        if (*t == '=') {
            if (*a != '=')
                return {Match::none, nullptr, nullptr};
            if (t[1] == '%' || t[1] == 0)
                return {Match::value_here, t + 1, a + 1};
            return {std::strcmp(t + 1, a + 1) == 0 ? Match::exact : Match::none, nullptr, nullptr};
        }
        if (*t == ' ')
            return {Match::value_here, t + 1, a};
        if (*t != *a)
            return {Match::none, nullptr, nullptr};
    }
}

int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

/// What there is of a number at the start of a text; 0 for none. It wraps in 64 bits.
uint64_t parse_number(const char* text, int base, bool with_sign, bool with_prefix)
{
    bool negative = false;
    if (with_sign && (*text == '-' || *text == '+'))
        negative = *text++ == '-';
    if (with_prefix && text[0] == '0') {
        const bool hex = (text[1] | 0x20) == 'x';
        base = hex ? 16 : 8;
        text += hex ? 2 : 1;
    }
    uint64_t number = 0;
    for (int digit; (digit = digit_of(*text)) < base; ++text)
        number = number * static_cast<unsigned>(base) + static_cast<unsigned>(digit);
    return negative ? 0 - number : number;
}

/// A conversion: "%" modifiers and a letter.
struct Conversion
{
    char letter = 0; ///< 0: there is none, or one that cannot be done
    size_t width = sizeof(int);
};

Conversion parse_conversion(const char* format, const Env& env)
{
    if (*format++ != '%')
        return {};
    bool size = false, difference = false, maximum = false;
    int shorts = 0, longs = 0;
    for (;; ++format)
        switch (*format) {
        case 'z':
            size = true;
            break;
        case 't':
            difference = true;
            break;
        case 'j':
            maximum = true;
            break;
        case 'h':
            ++shorts;
            break;
        case 'l':
            ++longs;
            break;
        case 'q':
        case 'L':
            longs += 2;
            break;
        case 'd':
        case 'i':
        case 'o':
        case 'u':
        case 'x':
        case 'X':
        case 's':
        case 'c': {
            const size_t long_width = sizeof(void*) == 8 && is_cygwin(env) ? 8 : 4;
            const size_t width = size || difference ? sizeof(void*)
                                 : maximum          ? 8
                                 : shorts != 0      ? (shorts == 1 ? 2 : 1)
                                 : longs != 0       ? (longs == 1 ? long_width : 8)
                                                    : sizeof(int);
            return {*format, width};
        }
        case 0:
        case 'a':
        case 'e':
        case 'E':
        case 'f':
        case 'g':
            return {};
        default:
            break;
        }
}

/// Appends an option to a list of them.
void append(std::string* list, std::string_view option, bool escape)
{
    if (!list->empty())
        *list += ',';
    for (const char c : option) {
        if (escape && (c == ',' || c == '\\'))
            *list += '\\';
        *list += c;
    }
}

class Parser
{
  public:
    Parser(Env* env, const fuse_args& in, void* data, const fuse_opt* table, fuse_opt_proc_t proc)
        : env_(env), in_(in), data_(data), table_(table), proc_(proc), out_(env)
    {}

    bool run(fuse_args* result)
    {
        if (!out_.append(in_.argv[0]))
            return false;
        for (at_ = 1; at_ < in_.argc; ++at_)
            if (!argument(in_.argv[at_]))
                return false;
        fuse_args& out = *out_.get();
        if (out.argc > 1 && std::strcmp(out.argv[out.argc - 1], "--") == 0) {
            env_->memfree(out.argv[--out.argc]);
            out.argv[out.argc] = nullptr;
        }
        *result = out_.release();
        return true;
    }

  private:
    bool argument(const char* text)
    {
        if (only_names_ || text[0] != '-')
            return key(FUSE_OPT_KEY_NONOPT, text, nullptr, false);
        if (text[1] == 'o') {
            if (text[2] != 0)
                return list(text + 2);
            if (at_ + 1 >= in_.argc)
                return false;
            ++at_;
            return list(in_.argv[at_]);
        }
        if (std::strcmp(text, "--") == 0) {
            only_names_ = true;
            return out_.append(text);
        }
        return option(text, false);
    }

    /// Each option of a list, empty ones included. A backslash keeps the character after it from separating.
    bool list(const char* text)
    {
        std::string item;
        for (;; ++text)
            if (*text == ',' || *text == 0) {
                if (!option(item.c_str(), true))
                    return false;
                if (*text == 0)
                    return true;
                item.clear();
            } else {
                if (*text == '\\' && text[1] != 0)
                    ++text;
                item += *text;
            }
    }

    /// An option, by every entry that it matches.
    bool option(const char* text, bool listed)
    {
        const char* next = nullptr; // what it took from the command line besides itself
        bool matched = false;
        for (const fuse_opt* entry = table_; entry != nullptr && entry->templ != nullptr; ++entry) {
            Match found = match(entry->templ, text);
            if (found.kind == Match::none)
                continue;
            matched = true;
            if (found.kind == Match::value_next) {
                if (next == nullptr && (listed || at_ + 1 >= in_.argc))
                    return false;
                if (next == nullptr)
                    next = in_.argv[++at_];
                found.value = next;
            }
            const bool done =
                entry->offset == is_key
                    ? key(entry->value, text, found.kind == Match::value_next ? next : nullptr, listed)
                    : store(*entry, found);
            if (!done)
                return false;
        }
        return matched || key(FUSE_OPT_KEY_OPT, text, nullptr, listed);
    }

    bool key(int key, const char* text, const char* next, bool listed)
    {
        if (key == FUSE_OPT_KEY_DISCARD)
            return true;
        std::string joined;
        if (next != nullptr) {
            joined = std::string(text) + next;
            text = joined.c_str();
        }
        if (key != FUSE_OPT_KEY_KEEP && proc_ != nullptr) {
            const int result = proc_(data_, text, key, out_.get());
            if (result == -1 || result == 0)
                return result == 0;
        }
        return listed ? keep_listed(text) : out_.append(text);
    }

    /// All options of lists become one, which is the first argument.
    bool keep_listed(const char* text)
    {
        fuse_args& out = *out_.get();
        if (!grouped_) {
            std::string escaped;
            append(&escaped, text, true);
            grouped_ = fsp_fuse_opt_insert_arg(env_, &out, 1, "-o") == 0 &&
                       fsp_fuse_opt_insert_arg(env_, &out, 2, escaped.c_str()) == 0;
            return grouped_;
        }
        return fsp_fuse_opt_add_opt_escaped(env_, &out.argv[2], text) == 0;
    }

    bool store(const fuse_opt& entry, const Match& found)
    {
        char* const variable = static_cast<char*>(data_) + entry.offset;
        if (found.format == nullptr || *found.format == 0) {
            std::memcpy(variable, &entry.value, sizeof entry.value);
            return true;
        }
        const Conversion conversion = parse_conversion(found.format, *env_);
        if (conversion.letter == 0)
            return false;
        if (conversion.letter == 's' || conversion.letter == 'c') {
            char* const copy = duplicate(*env_, found.value);
            std::memcpy(variable, &copy, sizeof copy);
            return copy != nullptr;
        }
        const char letter = conversion.letter;
        const int base = letter == 'o' ? 8 : (letter | 0x20) == 'x' ? 16 : 10;
        const bool has_sign = letter == 'd' || letter == 'i';
        const uint64_t number = parse_number(found.value, base, has_sign, letter == 'i');
        std::memcpy(variable, &number, conversion.width); // all architectures are little-endian
        return true;
    }

    Env* const env_;
    const fuse_args& in_;
    void* const data_;
    const fuse_opt* const table_;
    const fuse_opt_proc_t proc_;
    Args out_;
    int at_ = 0;
    bool only_names_ = false; ///< "--" has come
    bool grouped_ = false;    ///< there is a list of options in the output
};

int add_option(Env* env, char** options, const char* option, bool escape)
{
    std::string list = *options != nullptr ? *options : "";
    append(&list, option, escape);
    char* const copy = duplicate(*env, list);
    if (copy == nullptr)
        return -1;
    env->memfree(*options);
    *options = copy;
    return 0;
}

} // namespace

bool matches(const fuse_opt* table, const char* option)
{
    for (; table != nullptr && table->templ != nullptr; ++table)
        if (match(table->templ, option).kind != Match::none)
            return true;
    return false;
}

} // namespace fsp::winfuse

using namespace fsp::winfuse;

int fsp_fuse_opt_parse(Env* env, fuse_args* args, void* data, const fuse_opt opts[], fuse_opt_proc_t proc)
{
    if (args == nullptr || args->argv == nullptr || args->argc == 0)
        return 0;
    fuse_args result{};
    if (!Parser(env, *args, data, opts, proc).run(&result))
        return -1;
    fsp_fuse_opt_free_args(env, args);
    *args = result;
    return 0;
}

int fsp_fuse_opt_add_arg(Env* env, fuse_args* args, const char* arg)
{
    return args != nullptr ? fsp_fuse_opt_insert_arg(env, args, args->argc, arg) : -1;
}

int fsp_fuse_opt_insert_arg(Env* env, fuse_args* args, int pos, const char* arg)
{
    if (args == nullptr || (args->argv != nullptr && args->allocated == 0) || pos < 0 || pos > args->argc)
        return -1;
    const auto count = static_cast<size_t>(args->argc), before = static_cast<size_t>(pos);
    char* const copy = duplicate(*env, arg);
    auto** const longer = static_cast<char**>(env->memalloc((count + 2) * sizeof(char*)));
    if (copy == nullptr || longer == nullptr) {
        env->memfree(longer);
        env->memfree(copy);
        return -1;
    }
    if (args->argv != nullptr) {
        std::memcpy(longer, args->argv, before * sizeof(char*));
        std::memcpy(longer + before + 1, args->argv + before, (count - before) * sizeof(char*));
    }
    longer[before] = copy;
    longer[count + 1] = nullptr;
    env->memfree(args->argv);
    *args = {args->argc + 1, longer, 1};
    return 0;
}

void fsp_fuse_opt_free_args(Env* env, fuse_args* args)
{
    if (args == nullptr)
        return;
    if (args->allocated != 0) {
        for (int i = 0; i < args->argc; ++i)
            env->memfree(args->argv[i]);
        env->memfree(args->argv);
    }
    *args = {};
}

int fsp_fuse_opt_add_opt(Env* env, char** opts, const char* opt) { return add_option(env, opts, opt, false); }

int fsp_fuse_opt_add_opt_escaped(Env* env, char** opts, const char* opt)
{
    return add_option(env, opts, opt, true);
}

int fsp_fuse_opt_match(Env*, const fuse_opt opts[], const char* opt) { return matches(opts, opt); }
