// SPDX-License-Identifier: MIT
/// @file Drivers as they are shipped: PE images for 64-bit x86, run inside this process.
#pragma once

#include <ntifs.h>

#include <memory>
#include <string>

namespace fsp::ntos {

/// A loaded driver image: mapped, relocated, its imports bound to the executive. Must outlive the driver
/// object; unload_driver first.
class Image
{
  public:
    Image() = default;
    Image(const Image&) = delete;
    virtual ~Image() = default;

    /// DriverEntry.
    virtual PDRIVER_INITIALIZE entry() const = 0;
    /// What the image exports by this name, or null.
    virtual void* find_export(const char* name) const = 0;
};

/**
 * Loads a `.sys` file. Structured exceptions of the image work for what the executive raises and for faults
 * in the image's own code and in its memory copies; __finally is not supported.
 *
 * @param[out] error   one sentence when it fails: not readable, not a driver for this machine, damaged, or an
 *                     import that the executive does not have
 * @return the image, or null
 */
std::unique_ptr<Image> load_image(const char* path, std::string* error);

} // namespace fsp::ntos
