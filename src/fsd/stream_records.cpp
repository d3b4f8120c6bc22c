// SPDX-License-Identifier: MIT
#include "stream_records.h"

namespace fsp::fsd {

namespace {

constexpr ULONG stream_info_header = FIELD_OFFSET(FSP_FSCTL_STREAM_INFO, StreamNameBuf);
constexpr ULONG fixed_size = FIELD_OFFSET(FILE_STREAM_INFORMATION, StreamName);
const WCHAR data_type[] = {':', '$', 'D', 'A', 'T', 'A'};

constexpr ULONG align8(ULONG size) { return (size + 7) & ~ULONG{7}; }

/// Copies as much of `data` as still fits; remembers that something did not.
class NameWriter
{
  public:
    NameWriter(UCHAR* out, ULONG room) : out_(out), room_(room & ~ULONG{1}) {}

    void append(const void* data, ULONG size)
    {
        const ULONG fits = size < room_ - written_ ? size : room_ - written_;
        copy_bytes(out_ + written_, data, fits);
        written_ += fits;
        truncated_ = truncated_ || fits < size;
    }

    ULONG written() const { return written_; }
    bool truncated() const { return truncated_; }

  private:
    UCHAR* out_;
    ULONG room_;
    ULONG written_ = 0;
    bool truncated_ = false;
};

} // namespace

NTSTATUS pack_streams(const void* answer, ULONG answer_size, void* out, ULONG out_size, ULONG* written)
{
    *written = 0;
    const auto* bytes = static_cast<const UCHAR*>(answer);
    auto* to = static_cast<UCHAR*>(out);
    ULONG last = 0;
    ULONG end = 0;

    for (ULONG from = 0; from <= answer_size && answer_size - from >= stream_info_header;) {
        const auto* info = reinterpret_cast<const FSP_FSCTL_STREAM_INFO*>(bytes + from);
        const ULONG record = info->Size;
        if (record < stream_info_header || record > answer_size - from)
            break;
        const ULONG name_length = (record - stream_info_header) & ~ULONG{1};

        const bool first = end == 0;
        const ULONG at = first ? 0 : align8(end);
        if (at > out_size || fixed_size > out_size - at)
            return first ? STATUS_BUFFER_TOO_SMALL : STATUS_BUFFER_OVERFLOW;
        if (!first) {
            RtlZeroMemory(to + end, at - end);
            *reinterpret_cast<ULONG*>(to + last) = at - last; // NextEntryOffset
        }

        auto* stream = reinterpret_cast<FILE_STREAM_INFORMATION*>(to + at);
        RtlZeroMemory(stream, fixed_size);
        stream->StreamNameLength =
            static_cast<ULONG>(sizeof(WCHAR)) + name_length + static_cast<ULONG>(sizeof data_type);
        stream->StreamSize.QuadPart = static_cast<LONGLONG>(info->StreamSize);
        stream->StreamAllocationSize.QuadPart = static_cast<LONGLONG>(info->StreamAllocationSize);

        NameWriter name(to + at + fixed_size, out_size - at - fixed_size);
        const WCHAR colon = ':';
        name.append(&colon, sizeof colon);
        name.append(info->StreamNameBuf, name_length);
        name.append(data_type, sizeof data_type);

        last = at;
        end = at + fixed_size + name.written();
        *written = end;
        if (name.truncated())
            return STATUS_BUFFER_OVERFLOW;
        from += align8(record);
    }
    return STATUS_SUCCESS;
}

} // namespace fsp::fsd
