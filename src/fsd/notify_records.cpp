// SPDX-License-Identifier: MIT
#include "notify_records.h"

namespace fsp::fsd {

NotifyRecords::Step NotifyRecords::next(NotifyRecord& record)
{
    constexpr ULONG header_size = FIELD_OFFSET(FSP_FSCTL_NOTIFY_INFO, FileNameBuf);

    if (offset_ > size_ || size_ - offset_ < sizeof(UINT16))
        return Step::End;
    const auto* info = reinterpret_cast<const FSP_FSCTL_NOTIFY_INFO*>(data_ + offset_);
    const ULONG size = info->Size;
    if (size < header_size)
        return Step::EndOfSession;
    if (size > size_ - offset_)
        return Step::End;

    record.filter = info->Filter;
    record.action = info->Action;
    record.name = info->FileNameBuf;
    record.name_length = (size - header_size) & ~ULONG{1};
    if (record.name_length > sizeof(WCHAR) && record.name[record.name_length / sizeof(WCHAR) - 1] == '\\')
        record.name_length -= sizeof(WCHAR);
    offset_ += (size + 7) & ~ULONG{7};
    return Step::Record;
}

} // namespace fsp::fsd
