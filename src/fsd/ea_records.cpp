// SPDX-License-Identifier: MIT
#include "ea_records.h"

namespace fsp::fsd::ea {

namespace {

using Record = FILE_FULL_EA_INFORMATION;
constexpr ULONG header_size = FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName);
constexpr ULONG set_size_maximum = 0xffff; // of a file, in bytes
constexpr ULONG get_header_size = FIELD_OFFSET(FILE_GET_EA_INFORMATION, EaName);

constexpr ULONG align4(ULONG size) { return (size + 3) & ~ULONG{3}; }

ULONG record_size(const Record* r) { return header_size + r->EaNameLength + 1 + r->EaValueLength; }

CHAR upper(CHAR c) { return c >= 'a' && c <= 'z' ? static_cast<CHAR>(c - 'a' + 'A') : c; }

bool same_name(const CHAR* a, ULONG a_length, const CHAR* b, ULONG b_length)
{
    if (a_length != b_length)
        return false;
    for (ULONG i = 0; i < a_length; ++i)
        if (upper(a[i]) != upper(b[i]))
            return false;
    return true;
}

bool lead_byte([[maybe_unused]] UCHAR c)
{
#ifdef FsRtlIsLeadDbcsCharacter
    return FsRtlIsLeadDbcsCharacter(c);
#else
    return false;
#endif
}

/// Walks a chain that may be anything. Ends where the next record would not fit.
class Chain
{
  public:
    Chain(const void* set, ULONG size) : set_(static_cast<const UCHAR*>(set)), size_(size) { settle(); }

    const Record* record() const { return record_; }
    ULONG offset() const { return offset_; }

    void next()
    {
        const ULONG step = record_->NextEntryOffset;
        // A record holds no shorter step than its header, which would walk on the spot, and none begins at an
        // odd place.
        if (step < header_size || (step & 3) || step > size_ - offset_) {
            record_ = nullptr;
            return;
        }
        offset_ += step;
        settle();
    }

  private:
    void settle()
    {
        record_ = nullptr;
        if (size_ < header_size || offset_ > size_ - header_size)
            return;
        const auto* r = reinterpret_cast<const Record*>(set_ + offset_);
        if (record_size(r) <= size_ - offset_)
            record_ = r;
    }

    const UCHAR* set_;
    ULONG size_;
    ULONG offset_ = 0;
    const Record* record_ = nullptr;
};

const Record* find_record(const void* set, ULONG set_size, const CHAR* name, ULONG name_length)
{
    for (Chain chain(set, set_size); chain.record(); chain.next())
        if (same_name(chain.record()->EaName, chain.record()->EaNameLength, name, name_length))
            return chain.record();
    return nullptr;
}

/// Appends records to a caller's buffer, each on a multiple of 4.
class Writer
{
  public:
    Writer(void* out, ULONG size, const QueryRules& rules)
        : out_(static_cast<UCHAR*>(out)), size_(size), rules_(rules)
    {}

    bool append(const CHAR* name, ULONG name_length, UCHAR flags, const UCHAR* value, ULONG value_length)
    {
        const ULONG at = last_ ? align4(end_) : 0;
        const ULONG need = header_size + name_length + 1 + value_length;
        if (at > size_ || need > size_ - at)
            return false;
        if (last_) {
            RtlZeroMemory(out_ + end_, at - end_);
            last_->NextEntryOffset = at - static_cast<ULONG>(reinterpret_cast<UCHAR*>(last_) - out_);
        }
        last_ = reinterpret_cast<Record*>(out_ + at);
        last_->NextEntryOffset = 0;
        last_->Flags = flags;
        last_->EaNameLength = static_cast<UCHAR>(name_length);
        last_->EaValueLength = static_cast<USHORT>(value_length);
        for (ULONG i = 0; i < name_length; ++i)
            last_->EaName[i] = rules_.preserve_case ? name[i] : upper(name[i]);
        last_->EaName[name_length] = 0;
        if (value_length)
            copy_bytes(last_->EaName + name_length + 1, value, value_length);
        end_ = at + need;
        return true;
    }

    bool append(const Record* r)
    {
        return append(r->EaName, r->EaNameLength, r->Flags,
                      reinterpret_cast<const UCHAR*>(r->EaName) + r->EaNameLength + 1, r->EaValueLength);
    }

    ULONG written() const { return end_; }

  private:
    UCHAR* out_;
    ULONG size_;
    QueryRules rules_;
    ULONG end_ = 0;
    Record* last_ = nullptr;
};

bool already_listed(const UCHAR* list, ULONG before, const CHAR* name, ULONG name_length)
{
    for (ULONG at = 0; at < before;) {
        const auto* entry = reinterpret_cast<const FILE_GET_EA_INFORMATION*>(list + at);
        if (same_name(entry->EaName, entry->EaNameLength, name, name_length))
            return true;
        at += entry->NextEntryOffset;
    }
    return false;
}

} // namespace

bool name_valid(const CHAR* name, ULONG length)
{
    if (length == 0 || length > 254)
        return false;
    for (ULONG i = 0; i < length; ++i) {
        const auto c = static_cast<UCHAR>(name[i]);
        if (lead_byte(c)) {
            // A lead byte alone at the end is half a character.
            if (++i == length)
                return false;
            continue;
        }
        if (c < 0x20)
            return false;
        switch (c) {
        case '"':
        case '*':
        case '+':
        case ',':
        case '/':
        case ':':
        case ';':
        case '<':
        case '=':
        case '>':
        case '?':
        case '[':
        case '\\':
        case ']':
        case '|':
            return false;
        default:
            break;
        }
    }
    return true;
}

NTSTATUS validate(const void* set, ULONG size, ULONG* bad_offset)
{
    const auto* bytes = static_cast<const UCHAR*>(set);
    ULONG at = 0;
    for (;;) {
        *bad_offset = at;
        if (size - at < header_size)
            return STATUS_EA_LIST_INCONSISTENT;
        const auto* r = reinterpret_cast<const Record*>(bytes + at);
        const ULONG need = record_size(r);
        if (need > size - at || r->EaName[r->EaNameLength] != 0)
            return STATUS_EA_LIST_INCONSISTENT;
        if (!name_valid(r->EaName, r->EaNameLength))
            return STATUS_INVALID_EA_NAME;
        if (r->NextEntryOffset == 0)
            break;
        // The one distance that the chain may have; a longer one would carry bytes that nobody has looked at.
        if (r->NextEntryOffset != align4(need) || r->NextEntryOffset > size - at)
            return STATUS_EA_LIST_INCONSISTENT;
        at += r->NextEntryOffset;
    }
    *bad_offset = 0;
    return STATUS_SUCCESS;
}

NTSTATUS validate_answer(void* set, ULONG size)
{
    auto* bytes = static_cast<UCHAR*>(set);
    for (ULONG at = 0; size - at >= header_size;) {
        auto* r = reinterpret_cast<Record*>(bytes + at);
        // Whoever appends records one by one cannot know which one is last, and links it to the end.
        if (r->NextEntryOffset >= size - at)
            r->NextEntryOffset = 0;
        if (r->NextEntryOffset == 0)
            break;
        if (r->NextEntryOffset & 3)
            return STATUS_EA_LIST_INCONSISTENT;
        at += r->NextEntryOffset;
    }
    ULONG bad_offset;
    return validate(set, size, &bad_offset);
}

NTSTATUS query_list(const void* set, ULONG set_size, const void* list, ULONG list_size,
                    const QueryRules& rules, void* out, ULONG out_size, ULONG* written, ULONG* bad_offset)
{
    *written = 0;
    *bad_offset = 0;
    // Every name is looked for among those before it: what a set may have is a bound for the work, too.
    if (list_size > set_size_maximum)
        return STATUS_EA_LIST_INCONSISTENT;
    const auto* bytes = static_cast<const UCHAR*>(list);
    Writer writer(out, out_size, rules);
    for (ULONG at = 0;;) {
        *bad_offset = at;
        if (list_size - at < get_header_size)
            return STATUS_EA_LIST_INCONSISTENT;
        const auto* entry = reinterpret_cast<const FILE_GET_EA_INFORMATION*>(bytes + at);
        const ULONG need = get_header_size + entry->EaNameLength + 1;
        if (need > list_size - at)
            return STATUS_EA_LIST_INCONSISTENT;
        if (!name_valid(entry->EaName, entry->EaNameLength))
            return STATUS_INVALID_EA_NAME;

        if (!already_listed(bytes, at, entry->EaName, entry->EaNameLength)) {
            const Record* r = find_record(set, set_size, entry->EaName, entry->EaNameLength);
            const bool fits =
                r ? writer.append(r) : writer.append(entry->EaName, entry->EaNameLength, 0, nullptr, 0);
            if (!fits) {
                *bad_offset = 0; // a warning: it would be taken for the number of bytes
                return STATUS_BUFFER_OVERFLOW;
            }
            if (rules.single_entry)
                break;
        }

        if (entry->NextEntryOffset == 0)
            break;
        if (entry->NextEntryOffset < need || entry->NextEntryOffset > list_size - at ||
            (entry->NextEntryOffset & 3))
            return STATUS_EA_LIST_INCONSISTENT;
        at += entry->NextEntryOffset;
    }
    *bad_offset = 0;
    *written = writer.written();
    return STATUS_SUCCESS;
}

NTSTATUS query_scan(const void* set, ULONG set_size, bool explicit_index, ULONG* index,
                    const QueryRules& rules, void* out, ULONG out_size, ULONG* written)
{
    *written = 0;
    if (explicit_index && *index == 0)
        return STATUS_NONEXISTENT_EA_ENTRY;

    Chain chain(set, set_size);
    if (!chain.record())
        return explicit_index && *index > 1 ? STATUS_NONEXISTENT_EA_ENTRY : STATUS_NO_EAS_ON_FILE;

    ULONG number = 1;
    for (; chain.record() && number < *index; ++number)
        chain.next();
    if (!chain.record())
        return !explicit_index || number == *index ? STATUS_NO_MORE_EAS : STATUS_NONEXISTENT_EA_ENTRY;

    Writer writer(out, out_size, rules);
    bool any = false;
    while (chain.record()) {
        if (!writer.append(chain.record())) {
            *written = writer.written();
            *index = number;
            return any ? STATUS_BUFFER_OVERFLOW : STATUS_BUFFER_TOO_SMALL;
        }
        any = true;
        ++number;
        chain.next();
        if (rules.single_entry)
            break;
    }
    *written = writer.written();
    *index = number;
    return STATUS_SUCCESS;
}

const UCHAR* find(const void* set, ULONG set_size, const CHAR* name, ULONG name_length, ULONG* value_length)
{
    const Record* r = find_record(set, set_size, name, name_length);
    if (!r)
        return nullptr;
    *value_length = r->EaValueLength;
    return reinterpret_cast<const UCHAR*>(r->EaName) + r->EaNameLength + 1;
}

} // namespace fsp::fsd::ea
