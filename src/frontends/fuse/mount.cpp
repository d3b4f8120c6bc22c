// SPDX-License-Identifier: MIT
#include "frontends/fuse/mount.h"

#include "frontends/fuse/mount_point.h"
#include "frontends/fuse/session.h"

namespace fsp::fuse {
Mount::Mount(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Mount::~Mount() = default;

int Mount::invalidate(std::u16string_view path) { return session_->invalidate(path); }

NTSTATUS check_mount(const MountOptions& options, std::string* error_sentence)
{
    const NTSTATUS status = check_fuse(error_sentence);
    if (!NT_SUCCESS(status))
        return status;
    std::string real_path;
    return prepare_mount_point(options.mount_point, &real_path, error_sentence,
                               options.posix && options.posix->any_mount_point);
}

NTSTATUS mount(const MountOptions& options, std::unique_ptr<Mount>* mount, std::string* error_sentence)
{
    NTSTATUS status = check_fuse(error_sentence);
    if (!NT_SUCCESS(status))
        return status;
    MountOptions real = options;
    status = prepare_mount_point(options.mount_point, &real.mount_point, error_sentence,
                                 options.posix && options.posix->any_mount_point);
    if (!NT_SUCCESS(status))
        return status;

    auto session = std::make_unique<Session>(real);
    if (session->start(error_sentence) != 0)
        return STATUS_UNSUCCESSFUL;
    *mount = std::make_unique<Mount>(std::move(session));
    return STATUS_SUCCESS;
}

} // namespace fsp::fuse
