// SPDX-License-Identifier: MIT
//
// fuse_opt_*: command lines by a table of templates.
#include "fuse/fuse_opt.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

namespace {

void no_memory() { std::fputs("fuse: memory allocation failed\n", stderr); }

/// Where a template's value begins, and what separates it from the name; null if there is none.
const char* separator_of(const char* templ)
{
    const char* separator = std::strchr(templ, '=');
    if (!separator)
        separator = std::strchr(templ, ' ');
    return separator && (separator[1] == 0 || separator[1] == '%') ? separator : nullptr;
}

bool matches(const char* templ, const char* argument)
{
    if (const char* separator = separator_of(templ)) {
        const size_t length = size_t(separator - templ) + (*separator == '=' ? 1 : 0);
        if (std::strncmp(argument, templ, length) == 0)
            return true;
    }
    return std::strcmp(templ, argument) == 0;
}

const fuse_opt* find(const fuse_opt* entry, const char* argument)
{
    for (; entry && entry->templ; ++entry)
        if (matches(entry->templ, argument))
            return entry;
    return nullptr;
}

const std::string& append_escaped(std::optional<std::string>* to, const char* option, bool escape)
{
    // A list of empty options is empty, but there.
    std::string* const list = *to ? &**to : &to->emplace();
    if (!list->empty())
        *list += ',';
    for (; *option; ++option) {
        if (escape && (*option == ',' || *option == '\\'))
            *list += '\\';
        *list += *option;
    }
    return *list;
}

class Parser
{
  public:
    Parser(const fuse_args& in, void* data, const fuse_opt* table, fuse_opt_proc_t proc)
        : in_(in), data_(data), table_(table), proc_(proc)
    {}
    ~Parser() { fuse_opt_free_args(&out_); }

    bool run(fuse_args* result)
    {
        if (in_.argc > 0 && !keep(in_.argv[0]))
            return false;
        for (at_ = 1; at_ < in_.argc; ++at_)
            if (!one(in_.argv[at_]))
                return false;
        if (options_ && (fuse_opt_insert_arg(&out_, 1, "-o") != 0 ||
                         fuse_opt_insert_arg(&out_, 2, options_->c_str()) != 0))
            return false;
        // A "--" that nothing follows; after a list of options it stays, as with libfuse.
        if (separator_at_ != 0 && separator_at_ == out_.argc) {
            std::free(out_.argv[--out_.argc]);
            out_.argv[out_.argc] = nullptr;
        }
        std::swap(*result, out_);
        return true;
    }

  private:
    bool keep(const char* argument) { return fuse_opt_add_arg(&out_, argument) == 0; }

    bool call(const char* argument, int key, bool listed)
    {
        if (key == FUSE_OPT_KEY_DISCARD)
            return true;
        if (key != FUSE_OPT_KEY_KEEP && proc_) {
            const int result = proc_(data_, argument, key, &out_);
            if (result == -1 || result == 0)
                return result == 0;
        }
        if (!listed)
            return keep(argument);
        append_escaped(&options_, argument, true);
        return true;
    }

    bool store(const fuse_opt& entry, const char* format, const char* value, const char* argument)
    {
        void* const variable = static_cast<char*>(data_) + entry.offset;
        if (std::strcmp(format, "%s") == 0) {
            char* copy = strdup(value);
            if (!copy) {
                no_memory();
                return false;
            }
            *static_cast<char**>(variable) = copy;
            return true;
        }
        if (std::sscanf(value, format, variable) == 1)
            return true;
        std::fprintf(stderr, "fuse: invalid parameter in option `%s'\n", argument);
        return false;
    }

    bool apply(const fuse_opt& entry, const char* argument, bool listed)
    {
        if (entry.offset == -1U)
            return call(argument, entry.value, listed);
        const char* separator = separator_of(entry.templ);
        if (separator && separator[1] != 0) {
            const char* value = argument + (separator - entry.templ) + (*separator == '=' ? 1 : 0);
            return store(entry, separator + 1, value, argument);
        }
        *reinterpret_cast<int*>(static_cast<char*>(data_) + entry.offset) = entry.value;
        return true;
    }

    /// An option, by every entry that it matches.
    bool option(const char* argument, bool listed)
    {
        const fuse_opt* entry = find(table_, argument);
        if (!entry)
            return call(argument, FUSE_OPT_KEY_OPT, listed);
        for (; entry; entry = find(entry + 1, argument)) {
            const char* separator = separator_of(entry->templ);
            if (separator && *separator == ' ' && argument[separator - entry->templ] == 0) {
                // The value is the next argument.
                if (at_ + 1 >= in_.argc) {
                    std::fprintf(stderr, "fuse: missing argument after `%s'\n", argument);
                    return false;
                }
                const std::string joined = std::string(argument) + in_.argv[++at_];
                if (!apply(*entry, joined.c_str(), listed))
                    return false;
            } else if (!apply(*entry, argument, listed))
                return false;
        }
        return true;
    }

    bool list(const char* text)
    {
        std::string item;
        for (;; ++text) {
            if (*text == 0 || *text == ',') {
                if (!option(item.c_str(), true))
                    return false;
                item.clear();
                if (*text == 0)
                    return true;
            } else if (*text == '\\' && text[1] != 0) {
                const auto octal = [](char c) { return c >= '0' && c <= '7'; };
                if (text[1] >= '0' && text[1] <= '3' && octal(text[2]) && octal(text[3])) {
                    item += char((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
                    text += 3;
                } else
                    item += *++text;
            } else
                item += *text;
        }
    }

    bool one(const char* argument)
    {
        if (separator_at_ != 0 || argument[0] != '-')
            return call(argument, FUSE_OPT_KEY_NONOPT, false);
        if (argument[1] == 'o') {
            if (argument[2] != 0)
                return list(argument + 2);
            if (at_ + 1 >= in_.argc) {
                std::fprintf(stderr, "fuse: missing argument after `%s'\n", argument);
                return false;
            }
            return list(in_.argv[++at_]);
        }
        if (std::strcmp(argument, "--") == 0) {
            if (!keep(argument))
                return false;
            separator_at_ = out_.argc;
            return true;
        }
        return option(argument, false);
    }

    const fuse_args& in_;
    void* const data_;
    const fuse_opt* const table_;
    const fuse_opt_proc_t proc_;
    fuse_args out_ = FUSE_ARGS_INIT(0, nullptr);
    std::optional<std::string> options_;
    int at_ = 0;
    int separator_at_ = 0; ///< arguments put out when "--" came; 0: not yet
};

int add_opt(char** options, const char* option, bool escape)
{
    std::optional<std::string> list;
    if (*options)
        list = *options;
    char* copy = strdup(append_escaped(&list, option, escape).c_str());
    if (!copy) {
        no_memory();
        return -1;
    }
    std::free(*options);
    *options = copy;
    return 0;
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {

int fuse_opt_parse(fuse_args* args, void* data, const fuse_opt table[], fuse_opt_proc_t proc)
{
    if (!args || !args->argv || args->argc == 0)
        return 0;
    fuse_args result = FUSE_ARGS_INIT(0, nullptr);
    if (!Parser(*args, data, table, proc).run(&result))
        return -1;
    fuse_opt_free_args(args);
    *args = result;
    return 0;
}

int fuse_opt_insert_arg(fuse_args* args, int position, const char* argument)
{
    if (!args || (args->argv && !args->allocated) || position < 0 || position > args->argc)
        return -1;
    char* copy = strdup(argument);
    auto** longer =
        copy ? static_cast<char**>(std::realloc(args->argv, sizeof(char*) * size_t(args->argc + 2)))
             : nullptr;
    if (!longer) {
        std::free(copy);
        no_memory();
        return -1;
    }
    std::memmove(longer + position + 1, longer + position, sizeof(char*) * size_t(args->argc - position));
    longer[position] = copy;
    longer[++args->argc] = nullptr;
    args->argv = longer;
    args->allocated = 1;
    return 0;
}

int fuse_opt_add_arg(fuse_args* args, const char* argument)
{
    return args ? fuse_opt_insert_arg(args, args->argc, argument) : -1;
}

void fuse_opt_free_args(fuse_args* args)
{
    if (!args)
        return;
    if (args->argv && args->allocated) {
        for (int i = 0; i < args->argc; ++i)
            std::free(args->argv[i]);
        std::free(args->argv);
    }
    *args = FUSE_ARGS_INIT(0, nullptr);
}

int fuse_opt_add_opt(char** options, const char* option) { return add_opt(options, option, false); }
int fuse_opt_add_opt_escaped(char** options, const char* option) { return add_opt(options, option, true); }
int fuse_opt_match(const fuse_opt table[], const char* option) { return find(table, option) ? 1 : 0; }
}
#pragma GCC visibility pop
