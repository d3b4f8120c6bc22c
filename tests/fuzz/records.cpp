// SPDX-License-Identifier: MIT
//
// Structures that travel as bytes, and names in both encodings.
//
// input: what to do (8 bits), a number (8 bits), bytes
#include "require.h"

#include "fsd/directory_records.h"
#include "fsd/ea_records.h"
#include "fsd/name.h"
#include "fsd/notify_records.h"
#include "fsd/reparse.h"
#include "fsd/stream_records.h"
#include "nt/posix_map.h"
#include "nt/rtl.h"

#include <algorithm>
#include <vector>

namespace {

using namespace fsp;

/// Bytes at a multiple of 8, with nothing behind them.
class Exact
{
  public:
    Exact(const uint8_t* data, size_t size) : words_((size + 7) / 8), size_(static_cast<ULONG>(size))
    {
        // The last bytes of the allocation, so far as alignment to 8 permits; a vector has no more.
        if (size)
            memcpy(words_.data(), data, size);
    }
    void* data() { return words_.data(); }
    ULONG size() const { return size_; }

  private:
    std::vector<UINT64> words_;
    ULONG size_;
};

void reparse_buffers(Exact bytes)
{
    const NTSTATUS status = fsd::validate_reparse_buffer(bytes.data(), bytes.size());
    UNICODE_STRING target;
    bool relative;
    const bool link = fsd::symlink_target(bytes.data(), bytes.size(), &target, &relative);
    if (NT_SUCCESS(status) && link)
        fsd::name::upcase_in_place(target); // touches all of it
    FsRtlValidateReparsePointBuffer(bytes.size(), static_cast<PREPARSE_DATA_BUFFER>(bytes.data()));
}

void attributes(Exact bytes, unsigned number)
{
    ULONG bad = 0;
    const NTSTATUS valid = fsd::ea::validate(bytes.data(), bytes.size(), &bad);
    ULONG offset = 0;
    if (NT_SUCCESS(valid))
        REQUIRE(NT_SUCCESS(IoCheckEaBufferValidity(static_cast<PFILE_FULL_EA_INFORMATION>(bytes.data()),
                                                   bytes.size(), &offset)));
    IoCheckEaBufferValidity(static_cast<PFILE_FULL_EA_INFORMATION>(bytes.data()), bytes.size(), &offset);

    std::vector<UINT8> out(number * 4);
    const auto room = static_cast<ULONG>(out.size());
    const fsd::ea::QueryRules rules{.preserve_case = (number & 1) != 0, .single_entry = (number & 2) != 0};
    ULONG written = 0;
    fsd::ea::query_list(bytes.data(), bytes.size(), bytes.data(), bytes.size(), rules, out.data(), room,
                        &written, &bad);
    REQUIRE(written <= room);
    if (!NT_SUCCESS(fsd::ea::validate_answer(bytes.data(), bytes.size())))
        return;
    ULONG index = 1;
    for (int calls = 0; calls < 20; calls++) {
        const ULONG before = index;
        const NTSTATUS status =
            fsd::ea::query_scan(bytes.data(), bytes.size(), false, &index, rules, out.data(), room, &written);
        REQUIRE(written <= room);
        if (!NT_SUCCESS(status) || index == before)
            break;
    }
    ULONG length = 0;
    fsd::ea::find(bytes.data(), bytes.size(), "$LXUID", 6, &length);
}

void listings(Exact bytes, unsigned number)
{
    for (const ULONG c :
         {FileDirectoryInformation, FileFullDirectoryInformation, FileBothDirectoryInformation,
          FileNamesInformation, FileIdBothDirectoryInformation, FileIdFullDirectoryInformation})
    {
        std::vector<UINT8> out(number * 8);
        fsd::DirectoryWriter writer(c, true, out.data(), static_cast<ULONG>(out.size()));
        fsd::DirectoryRecords records(bytes.data(), bytes.size());
        fsd::DirectoryEntry entry;
        while (records.next(entry) == fsd::DirectoryRecords::Step::Entry)
            if (writer.append(entry) != fsd::DirectoryWriter::Outcome::Added)
                break;
        REQUIRE(writer.written() <= out.size());
    }
    std::vector<UINT8> out(number * 8);
    ULONG written = 0;
    fsd::pack_streams(bytes.data(), bytes.size(), out.data(), static_cast<ULONG>(out.size()), &written);
    REQUIRE(written <= out.size());
    fsd::NotifyRecords notes(bytes.data(), bytes.size());
    fsd::NotifyRecord note;
    while (notes.next(note) == fsd::NotifyRecords::Step::Record)
        REQUIRE(note.name_length <= bytes.size());
}

void names(Exact bytes, unsigned number)
{
    auto* text = static_cast<WCHAR*>(bytes.data());
    const auto length = static_cast<USHORT>(std::min<ULONG>(bytes.size(), 0xfffe) & ~1u);
    const UNICODE_STRING path{length, length, text};
    fsd::name::Parsed parsed;
    if (fsd::name::valid_path(path, 255, number & 1, &parsed))
        REQUIRE(parsed.length() <= path.Length);
    fsd::name::valid_pattern(path, 255);
    fsd::name::View parent, last;
    fsd::name::split_last(path, &parent, &last);
    REQUIRE(parent.Length + last.Length <= path.Length);
    fsd::name::main_part(path);

    // The first characters as pattern for the rest.
    const USHORT pattern_length = std::min<USHORT>(length, static_cast<USHORT>(number * 2));
    UNICODE_STRING pattern{pattern_length, pattern_length, text};
    UNICODE_STRING name{static_cast<USHORT>(length - pattern_length),
                        static_cast<USHORT>(length - pattern_length), text + pattern_length / 2};
    FsRtlIsNameInExpression(&pattern, &name, FALSE, nullptr);
    FsRtlIsNameInExpression(&pattern, &name, TRUE, nullptr);
    UNICODE_STRING first, remaining;
    FsRtlDissectName(path, &first, &remaining);
}

template<class To, class From>
std::basic_string<To> convert(nt::TextResult (*map)(std::basic_string_view<From>, To*, size_t),
                              std::basic_string_view<From> text)
{
    const nt::TextResult measured = map(text, nullptr, 0);
    std::basic_string<To> out(measured.length, 0);
    const nt::TextResult result = map(text, out.data(), out.size());
    REQUIRE(result.length == measured.length && result.written <= out.size());
    return out;
}

void encodings(const uint8_t* data, size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    // Every sequence of bytes has a name and comes back.
    if (bytes.find('/') == bytes.npos && bytes.find('\0') == bytes.npos) {
        const auto wide = convert<WCHAR, char>(nt::posix::mount_name_to_windows, bytes);
        REQUIRE((convert<char, WCHAR>(nt::posix::windows_name_to_mount, wide)) == bytes);
    }
    std::vector<WCHAR> units(size / 2);
    if (!units.empty())
        memcpy(units.data(), data, units.size() * 2);
    const nt::WideView wide(units.data(), units.size());
    convert<char, WCHAR>(nt::posix::windows_path_to_mount, wide);
    convert<WCHAR, char>(nt::posix::mount_path_to_windows, bytes);
    for (const bool translate : {false, true}) {
        char* narrow = nullptr;
        if (NT_SUCCESS(nt::posix::windows_to_posix_path(wide, translate, &narrow)))
            std::free(narrow);
        WCHAR* back = nullptr;
        if (NT_SUCCESS(nt::posix::posix_to_windows_path(bytes, translate, &back)))
            std::free(back);
    }
    for (const nt::TextMode mode : {nt::TextMode::strict, nt::TextMode::replace, nt::TextMode::lossless})
        for (size_t capacity : {size_t{0}, size_t{1}, size_t{3}, size * 3}) {
            std::vector<WCHAR> to(capacity);
            REQUIRE(nt::to_utf16(bytes, to.data(), to.size(), mode).written <= capacity);
            std::vector<char> narrow(capacity);
            REQUIRE(nt::to_utf8(wide, narrow.data(), narrow.size(), mode).written <= capacity);
        }
    REQUIRE(nt::to_narrow(nt::to_wide(bytes)) == bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (size < 2)
        return 0;
    const unsigned number = data[1];
    const uint8_t* const rest = data + 2;
    switch (data[0] % 5) {
    case 0:
        reparse_buffers(Exact(rest, size - 2));
        break;
    case 1:
        attributes(Exact(rest, size - 2), number);
        break;
    case 2:
        listings(Exact(rest, size - 2), number);
        break;
    case 3:
        names(Exact(rest, size - 2), number);
        break;
    default:
        encodings(rest, size - 2);
    }
    return 0;
}
