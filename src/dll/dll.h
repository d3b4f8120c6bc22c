// SPDX-License-Identifier: MIT
//
// What every file of the library sees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <winfsp/winfsp.h>

namespace fsp::dll {

/// Length of a message as it travels: messages follow each other on multiples of 8 bytes.
constexpr ULONG padded(ULONG size) { return (size + 7) & ~ULONG{7}; }

constexpr ULONG response_buffer_size = FSP_FSCTL_TRANSACT_RSP_BUFFER_SIZEMAX;

inline PWSTR file_name(FSP_FSCTL_TRANSACT_REQ* request)
{
    return reinterpret_cast<PWSTR>(request->Buffer + request->FileName.Offset);
}

/// A piece of the request's variable part; null if it has none.
template<class T> T* piece(FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_BUF buf)
{
    return buf.Size != 0 ? reinterpret_cast<T*>(request->Buffer + buf.Offset) : nullptr;
}

/// What the file system knows the file by (volume parameters UmFileContextIs...).
inline PVOID file_context(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request)
{
    FSP_FSCTL_TRANSACT_FULL_CONTEXT& context = request->Req.Context;
    if (fs->UmFileContextIsFullContext)
        return &context;
    return reinterpret_cast<PVOID>(
        static_cast<UINT_PTR>(fs->UmFileContextIsUserContext2 ? context.UserContext2 : context.UserContext));
}

/// Announces `size` bytes at the start of the response's variable part.
inline void set_response_piece(FSP_FSCTL_TRANSACT_RSP* response, FSP_FSCTL_TRANSACT_BUF& buf, SIZE_T size)
{
    buf.Offset = 0;
    buf.Size = static_cast<UINT16>(size);
    response->Size = static_cast<UINT16>(sizeof *response + size);
}

} // namespace fsp::dll
