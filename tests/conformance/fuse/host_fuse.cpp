// SPDX-License-Identifier: MIT
//
// The FUSE layer of the Windows DLL with a FUSE program in this process, on the driver on ntos.
#include "host.h"

#include "dll/fuse/file_system.h"
#include "dll/srw_lock.h"
#include "host/system.h"
#include "ntos/verifier.h"
#include "program.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <unistd.h>

namespace conformance::host {

namespace {

namespace verifier = fsp::ntos::verifier;

struct fsp_fuse_env* env()
{
    static struct fsp_fuse_env env = {
        'W', std::malloc, std::free, [](int) { return 0; }, [](void*) { return 0; }, nullptr, nullptr, {}};
    return &env;
}

std::string options = "-oFileInfoTimeout=0,fstypename=memory";
void* tree;
fuse* file_system;
std::thread loop;
char mount_point[] = "/tmp/conformance-fuse.XXXXXX";

} // namespace

int take_argument(const char* argument, const char* value)
{
    if (std::strcmp(argument, "--options") == 0)
        return options = std::string("-o") + value, 2;
    if (std::strcmp(argument, "--inline") == 0)
        return setenv("OPENFSP_INLINE", value, 1), 2;
    return 0;
}

std::u16string start(std::string_view)
{
    if (!mkdtemp(mount_point))
        return {};
    char name[] = "conformance";
    char* words[] = {name, options.data()};
    fuse_args args = FUSE_ARGS_INIT(2, words);
    const fuse_operations on = memory_operations();
    tree = make_memory();
    fuse_chan* ch = fsp_fuse_mount(env(), mount_point, &args);
    file_system = fsp_fuse_new(env(), ch, &args, &on, sizeof on, tree);
    fsp_fuse_unmount(env(), mount_point, ch);
    fsp_fuse_opt_free_args(env(), &args);
    if (!file_system)
        return {};
    static std::atomic<bool> failed = false;
    loop = std::thread([] { failed = fsp_fuse_loop_mt(env(), file_system) != 0; });
    for (;; std::this_thread::yield()) {
        if (failed)
            return {};
        fsp::dll::acquire_shared(file_system->native_lock);
        std::u16string device;
        if (file_system->native && file_system->native->DispatcherThread)
            device = file_system->native->VolumeName;
        fsp::dll::release_shared(file_system->native_lock);
        if (!device.empty())
            return device;
    }
}

bool stop()
{
    fsp_fuse_exit(env(), file_system);
    loop.join();
    fsp_fuse_destroy(env(), file_system);
    delete_memory(tree);
    rmdir(mount_point);
    if (const NTSTATUS status = fsp::host::stop(); !NT_SUCCESS(status)) {
        std::printf("the driver does not unload: status 0x%08x\n", static_cast<unsigned>(status));
        return false;
    }
    return !verifier::enabled || (verifier::findings() == 0 && verifier::check_pool_leaks(0) == 0);
}

bool failures_count() { return true; }

std::vector<std::uint8_t> descriptor(std::u16string_view sddl)
{
    PSECURITY_DESCRIPTOR made = nullptr;
    ULONG size = 0;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(std::u16string(sddl).c_str(), SDDL_REVISION_1,
                                                              &made, &size))
        return {};
    const auto* bytes = static_cast<const std::uint8_t*>(made);
    std::vector<std::uint8_t> result(bytes, bytes + size);
    LocalFree(made);
    return result;
}

std::u16string sddl(const void* descriptor, SECURITY_INFORMATION parts)
{
    PWSTR text = nullptr;
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(const_cast<void*>(descriptor), SDDL_REVISION_1,
                                                              parts, &text, nullptr))
        return {};
    std::u16string result = text;
    LocalFree(text);
    return result;
}

} // namespace conformance::host
