// SPDX-License-Identifier: MIT
#include "directory_query.h"
#include "directory_records.h"
#include "node_access.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

constexpr ULONG request_maximum = 65520;

struct QueryParameters
{
    PFILE_OBJECT file;
    ULONG length;
    ULONG information_class;
    PUNICODE_STRING pattern; // null or empty: none given
    bool restart, single, indexed;

    explicit QueryParameters(PIRP irp)
    {
        PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
        file = stack->FileObject;
        length = stack->Parameters.QueryDirectory.Length;
        information_class = static_cast<ULONG>(stack->Parameters.QueryDirectory.FileInformationClass);
        pattern = reinterpret_cast<PUNICODE_STRING>(stack->Parameters.QueryDirectory.FileName);
        if (pattern && pattern->Length == 0)
            pattern = nullptr;
        restart = stack->Flags & SL_RESTART_SCAN;
        single = stack->Flags & SL_RETURN_SINGLE_ENTRY;
        indexed = stack->Flags & SL_INDEX_SPECIFIED;
    }
};

UNICODE_STRING text_of(const Buffer& buffer)
{
    return name::view(buffer.as<WCHAR>(), static_cast<USHORT>(buffer.size()));
}

/// The handle's scan, made by its first query.
DirectoryScan* scan_of(FileDesc& desc)
{
    if (DirectoryScan* scan = desc.scan.get())
        return scan;
    Owned<DirectoryScan> fresh(create<DirectoryScan>());
    FastMutexGuard guard(desc.volume.nodes.mutex());
    if (!desc.scan)
        desc.scan = static_cast<Owned<DirectoryScan>&&>(fresh);
    return desc.scan.get();
}

NTSTATUS set_pattern(Volume& volume, DirectoryScan& scan, PUNICODE_STRING pattern)
{
    if (!pattern || (pattern->Length == sizeof(WCHAR) && pattern->Buffer[0] == '*')) {
        scan.pattern = Buffer();
        return STATUS_SUCCESS;
    }
    if (!scan.pattern.assign(pattern->Buffer, pattern->Length))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!volume.case_sensitive()) {
        UNICODE_STRING text = text_of(scan.pattern);
        name::upcase_in_place(text);
    }
    return STATUS_SUCCESS;
}

/// Pattern, restart and index arguments of one query.
NTSTATUS begin_query(Volume& volume, DirectoryScan& scan, const QueryParameters& p)
{
    if (!scan.started || (p.restart && p.pattern)) {
        const NTSTATUS status = set_pattern(volume, scan, p.pattern);
        if (!NT_SUCCESS(status))
            return status;
        scan.started = true;
        scan.marker = Buffer();
        scan.cache_offset = 0;
        scan.cache_generation = 0;
        scan.found = false;
    } else if (p.restart) {
        scan.marker = Buffer();
        scan.cache_offset = 0;
        scan.cache_generation = 0;
        scan.found = false;
    } else if (p.indexed && p.pattern) {
        if (name::chars(*p.pattern) > volume.params().MaxComponentLength)
            return STATUS_OBJECT_NAME_INVALID;
        // A position by name means nothing where positions are numbers.
        if (!volume.params().DirectoryMarkerAsNextOffset) {
            if (!scan.marker.assign(p.pattern->Buffer, p.pattern->Length))
                return STATUS_INSUFFICIENT_RESOURCES;
            scan.cache_generation = 0;
        }
    }
    return STATUS_SUCCESS;
}

enum class Match
{
    all,      // no pattern
    name,     // without wildcards
    wildcards // with
};

Match match_kind(const DirectoryScan& scan)
{
    if (!scan.pattern.size())
        return Match::all;
    return name::has_wildcards(text_of(scan.pattern)) ? Match::wildcards : Match::name;
}

NTSTATUS matches(Volume& volume, const DirectoryScan& scan, Match kind, const DirectoryEntry& entry,
                 bool* result)
{
    *result = true;
    if (kind == Match::all)
        return STATUS_SUCCESS;
    UNICODE_STRING pattern = text_of(scan.pattern);
    UNICODE_STRING text = name::view(entry.name, static_cast<USHORT>(entry.name_length));
    if (kind == Match::name) {
        *result = name::equal(pattern, text, volume.case_sensitive());
        return STATUS_SUCCESS;
    }
    NTSTATUS status = STATUS_SUCCESS;
    *result = seh::fsrtl_is_name_in_expression(&pattern, &text, !volume.case_sensitive(), &status);
    return status;
}

bool set_marker(Volume& volume, DirectoryScan& scan, const DirectoryEntry& entry)
{
    const bool by_offset = volume.params().DirectoryMarkerAsNextOffset;
    const void* data = by_offset ? static_cast<const void*>(&entry.info->NextOffset) : entry.name;
    const ULONG size = by_offset ? static_cast<ULONG>(sizeof entry.info->NextOffset) : entry.name_length;
    // The usual case: the buffer of the marker before is large enough.
    if (scan.marker && size == scan.marker.size()) {
        copy_bytes(scan.marker.data(), data, size);
        return true;
    }
    return scan.marker.assign(data, size);
}

bool is_marker(Volume& volume, const DirectoryScan& scan, const DirectoryEntry& entry)
{
    if (volume.params().DirectoryMarkerAsNextOffset)
        return scan.marker.size() == sizeof(UINT64) && entry.info->NextOffset == *scan.marker.as<UINT64>();
    return name::equal(text_of(scan.marker), name::view(entry.name, static_cast<USHORT>(entry.name_length)),
                       volume.case_sensitive());
}

/// Where a cached listing continues after the scan's marker. False if the listing does not know the marker.
bool find_position(Volume& volume, const DirectoryScan& scan, const MetaCacheView& listing, ULONG* offset)
{
    *offset = 0;
    if (!scan.marker.size())
        return true;
    if (scan.cache_generation == listing.generation()) {
        *offset = scan.cache_offset;
        return true;
    }
    DirectoryRecords records(listing.data(), listing.size());
    DirectoryEntry entry;
    while (records.next(entry) == DirectoryRecords::Step::Entry)
        if (is_marker(volume, scan, entry)) {
            *offset = records.offset();
            return true;
        }
    return false;
}

/// The caller's buffer while it is being filled.
struct Filling
{
    DirectoryWriter writer;
    NTSTATUS status = STATUS_SUCCESS;
    bool done = false; // nothing more goes in
};

/// Moves entries from `records` to the caller until one of both is exhausted. True: the directory ends here.
bool fill(Volume& volume, DirectoryScan& scan, const QueryParameters& p, DirectoryRecords& records,
          Filling& filling)
{
    const Match kind = match_kind(scan);
    DirectoryEntry last{};
    bool complete = false;
    for (;;) {
        const ULONG before = records.offset();
        DirectoryEntry entry;
        const DirectoryRecords::Step step = records.next(entry);
        if (step != DirectoryRecords::Step::Entry) {
            complete = step == DirectoryRecords::Step::Complete;
            scan.cache_offset = before;
            break;
        }
        bool matching = false;
        filling.status = matches(volume, scan, kind, entry, &matching);
        if (!NT_SUCCESS(filling.status)) {
            filling.done = true;
            scan.cache_offset = before;
            break;
        }
        if (matching) {
            const DirectoryWriter::Outcome outcome = filling.writer.append(entry);
            if (outcome == DirectoryWriter::Outcome::Full || outcome == DirectoryWriter::Outcome::TooSmall) {
                if (outcome == DirectoryWriter::Outcome::TooSmall)
                    filling.status = STATUS_BUFFER_TOO_SMALL;
                filling.done = true;
                scan.cache_offset = before;
                break;
            }
            if (outcome == DirectoryWriter::Outcome::Truncated) {
                // It comes again, for a larger buffer.
                filling.status = STATUS_BUFFER_OVERFLOW;
                filling.done = true;
                scan.cache_offset = before;
                break;
            }
            scan.found = true;
            filling.done = p.single;
        }
        last = entry;
        scan.cache_offset = records.offset();
        if (filling.done)
            break;
    }
    if (last.info && !set_marker(volume, scan, last)) {
        filling.status = STATUS_INSUFFICIENT_RESOURCES;
        filling.done = true;
    }
    return complete;
}

struct DirectoryRequest
{
    RequestPtr request;
    Buffer answer;
    ULONG length = 0;
    bool cacheable = false;
};

/// How much to ask for, and with what.
NTSTATUS make_request(Volume& volume, FileDesc& desc, const DirectoryScan& scan, const QueryParameters& p,
                      DirectoryRequest* out)
{
    const FSP_FSCTL_VOLUME_PARAMS& params = volume.params();
    const Match kind = match_kind(scan);
    const bool file_name = kind == Match::name && params.PassQueryDirectoryFileName;
    const bool pass_pattern = file_name || (kind != Match::all && params.PassQueryDirectoryPattern);
    const bool has_marker = scan.marker.size() != 0;

    const ULONG minimum = align_up<ULONG>(
        sizeof(FSP_FSCTL_DIR_INFO) + ULONG{params.MaxComponentLength} * static_cast<ULONG>(sizeof(WCHAR)), 8);
    const ULONG ratio = directory_request_ratio(p.length, p.information_class,
                                                lesser(minimum, request_maximum), request_maximum);
    if (file_name)
        out->length = lesser(minimum, request_maximum);
    else if (pass_pattern)
        out->length = ratio;
    else if (kind == Match::all)
        out->length = volume.directory_cache.enabled() && !has_marker ? request_maximum : ratio;
    else
        out->length = request_maximum;
    out->cacheable = !pass_pattern && !has_marker;

    const ULONG pattern_size = pass_pattern ? scan.pattern.size() + static_cast<ULONG>(sizeof(WCHAR)) : 0;
    const ULONG marker_size = has_marker ? scan.marker.size() + static_cast<ULONG>(sizeof(WCHAR)) : 0;
    const NTSTATUS status =
        Request::make(&out->request, FspFsctlTransactQueryDirectoryKind, nullptr, pattern_size + marker_size);
    if (!NT_SUCCESS(status))
        return status;
    if (!out->answer && !out->answer.allocate(out->length, Pool::nonpaged))
        return STATUS_INSUFFICIENT_RESOURCES;

    set_context(out->request.operator->(), desc);
    auto& message = out->request->Req.QueryDirectory;
    message.Length = out->length;
    message.CaseSensitive = params.CaseSensitiveSearch;
    message.PatternIsFileName = file_name;
    if (pass_pattern)
        (*out->request).append_text(message.Pattern, text_of(scan.pattern));
    if (has_marker)
        (*out->request).append_text(message.Marker, text_of(scan.marker));
    (*out->request).receive(out->answer.data(), out->length, &message.Address);
    return STATUS_SUCCESS;
}

NTSTATUS check(Volume& volume, FileNode& node, const QueryParameters& p)
{
    if (!node.is_directory)
        return STATUS_INVALID_PARAMETER;
    if (p.pattern && !name::valid_pattern(*p.pattern, volume.params().MaxComponentLength))
        return STATUS_INVALID_PARAMETER;
    const ULONG fixed = directory_fixed_size(p.information_class);
    if (fixed == 0)
        return STATUS_INVALID_INFO_CLASS;
    return p.length <= fixed ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

} // namespace

IrpTask query_directory(Volume& volume, PIRP irp)
{
    const QueryParameters p(irp);
    FileNode& node = *FileNode::of(p.file);
    FileDesc& desc = *FileDesc::of(p.file);
    NTSTATUS status = check(volume, node, p);
    if (!NT_SUCCESS(status))
        co_return status;
    void* buffer = nullptr;
    status = map_user_buffer(volume, irp, p.length, IoWriteAccess, &buffer);
    if (!NT_SUCCESS(status))
        co_return status;
    DirectoryScan* const scan = scan_of(desc);
    if (!scan)
        co_return STATUS_INSUFFICIENT_RESOURCES;

    // One query per handle at a time: the position is the handle's.
    Turn turn;
    if (!turn.try_take(scan->queries)) {
        status = lock_user_buffer(irp, p.length, IoWriteAccess);
        if (!NT_SUCCESS(status))
            co_return status;
        co_await turn.take(scan->queries);
    }
    status = begin_query(volume, *scan, p);
    if (!NT_SUCCESS(status))
        co_return status;
    if (scan->found && match_kind(*scan) == Match::name)
        co_return STATUS_NO_MORE_FILES; // there is only one of that name

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }

    Filling filling{
        DirectoryWriter(p.information_class, volume.params().ExtendedAttributes, buffer, p.length)};
    bool complete = false;
    if (MetaCacheView listing = volume.directory_cache.find(node.directory)) {
        ULONG offset = 0;
        if (find_position(volume, *scan, listing, &offset)) {
            DirectoryRecords records(listing.data(), listing.size(), offset);
            complete = fill(volume, *scan, p, records, filling);
            scan->cache_generation = listing.generation();
        }
    }
    // Some entries are enough: the caller comes back for more.
    while (!complete && !filling.done && filling.writer.empty()) {
        const ULONG change = volume.directory_cache.change_number(node.directory);
        DirectoryRequest asked;
        status = make_request(volume, desc, *scan, p, &asked);
        if (!NT_SUCCESS(status))
            co_return status;
        const Response answer = co_await volume.ask(*asked.request);
        if (!NT_SUCCESS(answer.status()))
            co_return answer.status();

        const ULONG size = answer.information();
        if (asked.cacheable)
            volume.directory_cache.store(node.directory, change, asked.answer.data(), size);
        DirectoryRecords records(asked.answer.data(), size);
        complete = fill(volume, *scan, p, records, filling);
        // The offset counts within what was cached, if it still is.
        scan->cache_generation = 0;
        if (asked.cacheable) {
            if (MetaCacheView listing = volume.directory_cache.find(node.directory);
                listing && listing.size() == size)
                scan->cache_generation = listing.generation();
        }
        // Not a single entry: the end, said in so many words or not.
        if (records.offset() == 0)
            complete = true;
    }

    if (!NT_SUCCESS(filling.status) && filling.status != STATUS_BUFFER_OVERFLOW)
        co_return filling.status;
    if (filling.writer.empty())
        co_return scan->found ? STATUS_NO_MORE_FILES : STATUS_NO_SUCH_FILE;
    co_return {filling.status, filling.writer.written()};
}

} // namespace fsp::fsd
