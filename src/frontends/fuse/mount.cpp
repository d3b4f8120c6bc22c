// SPDX-License-Identifier: MIT
#include "frontends/fuse/mount.h"

#include <cstdio>

#include "frontends/fuse/mount_point.h"
#include "frontends/fuse/request.h"
#include "frontends/fuse/session.h"
#include "ntos/token.h"

namespace fsp::fuse {
namespace {

/// The mount's own handle of the volume's root; all names are opened relative to it.
NTSTATUS open_root(const std::u16string& volume, NtHandle* root)
{
    ntos::Impersonation as_system(ntos::system_token());
    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES | READ_CONTROL;
    what.options = FILE_DIRECTORY_FILE | FILE_OPEN_FOR_BACKUP_INTENT;
    return open_file(nullptr, volume + u"\\", what, root);
}

} // namespace

Mount::Mount(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Mount::~Mount() = default;

NTSTATUS mount(const MountOptions& options, std::unique_ptr<Mount>* mount, std::string* error_sentence)
{
    NTSTATUS status = check_fuse(error_sentence);
    if (!NT_SUCCESS(status))
        return status;
    MountOptions real = options;
    status = prepare_mount_point(options.mount_point, &real.mount_point, error_sentence);
    if (!NT_SUCCESS(status))
        return status;

    NtHandle root;
    VolumeTraits traits;
    status = open_root(options.volume_name, &root);
    if (NT_SUCCESS(status))
        status = query_traits(root.get(), &traits);
    Attributes attributes;
    if (NT_SUCCESS(status))
        status = query_basic(root.get(), &attributes);
    if (!NT_SUCCESS(status))
    {
        char number[16];
        std::snprintf(number, sizeof number, "0x%08X", unsigned(status));
        *error_sentence = std::string("the volume does not answer (status ") + number + ")";
        return status;
    }

    auto session = std::make_unique<Session>(std::move(root), traits, real);
    if (attributes.index != 0)
        session->inodes().root().number = attributes.index;
    if (session->start(error_sentence) != 0)
        return STATUS_UNSUCCESSFUL;
    *mount = std::make_unique<Mount>(std::move(session));
    return STATUS_SUCCESS;
}

} // namespace fsp::fuse
