// SPDX-License-Identifier: MIT
//
// Hand-made requests, and a file system object that no driver knows.
#pragma once

#include <cstring>
#include <memory>
#include <string>

#include "fake_transport.h"
#include <winfsp/winfsp.h>

namespace test {

/// A request under construction: pieces of the variable part are appended 8-aligned.
class RequestBuilder
{
  public:
    explicit RequestBuilder(UINT32 kind, UINT64 hint = 1) : bytes_(sizeof(FSP_FSCTL_TRANSACT_REQ))
    {
        request()->Kind = kind;
        request()->Hint = hint;
        request()->Size = sizeof(FSP_FSCTL_TRANSACT_REQ);
    }

    FSP_FSCTL_TRANSACT_REQ* request() { return reinterpret_cast<FSP_FSCTL_TRANSACT_REQ*>(bytes_.data()); }

    FSP_FSCTL_TRANSACT_BUF add(const void* data, size_t size)
    {
        const size_t offset = (bytes_.size() + 7) / 8 * 8;
        bytes_.resize(offset + size);
        std::memcpy(bytes_.data() + offset, data, size);
        request()->Size = static_cast<UINT16>(bytes_.size());
        return {static_cast<UINT16>(offset - sizeof(FSP_FSCTL_TRANSACT_REQ)), static_cast<UINT16>(size)};
    }
    FSP_FSCTL_TRANSACT_BUF add_text(const std::u16string& text)
    {
        return add(text.c_str(), (text.size() + 1) * sizeof(WCHAR));
    }
    /// The pieces move the buffer: fill the header afterwards.
    RequestBuilder& name(const std::u16string& text)
    {
        const FSP_FSCTL_TRANSACT_BUF buf = add_text(text);
        request()->FileName = buf;
        return *this;
    }

    fake::Bytes bytes() { return bytes_; }

  private:
    fake::Bytes bytes_;
};

/// A response with all its room.
struct ResponseBuffer
{
    alignas(16) UINT8 bytes[FSP_FSCTL_TRANSACT_RSP_SIZEMAX] = {};
    FSP_FSCTL_TRANSACT_RSP* operator->() { return get(); }
    FSP_FSCTL_TRANSACT_RSP* get()
    {
        auto* response = reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(bytes);
        if (response->Size == 0)
            response->Size = sizeof *response;
        return response;
    }
};

/// An operations table and an object that uses it.
struct FileSystem
{
    FSP_FILE_SYSTEM_INTERFACE operations = {};
    FSP_FILE_SYSTEM object = {};

    FileSystem()
    {
        fake::reset();
        object.Interface = &operations;
    }
};

} // namespace test
