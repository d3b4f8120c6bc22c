// SPDX-License-Identifier: MIT
#pragma once

#include "nt_file.h"

namespace conformance {

/// A test on the volume: what it may use, and a directory of its own that goes away with it.
class Volume
{
  public:
    /// The directory on the volume under test in which tests make theirs; before the first test.
    static void use(std::u16string_view root);

    Volume() = default;
    Volume(const Volume&) = delete;
    virtual ~Volume();

    /// Makes the directory of the test.
    void begin(const std::string& name);
    virtual void run() = 0;

    /// The volume belongs to this product (FSP_FSCTL_QUERY_WINFSP).
    [[nodiscard]] bool is_ours() const;
    [[nodiscard]] bool is_network() const;

  protected:
    /// NT path of a name in the test's directory; of the directory itself for an empty name.
    [[nodiscard]] std::u16string path(std::u16string_view name) const;
    /// As FileNameInformation reports it: path() without the device.
    [[nodiscard]] std::u16string name_on_volume(std::u16string_view name) const;
    /// NT path of the volume's root directory, with the backslash at its end.
    [[nodiscard]] std::u16string root() const;

    File open(std::u16string_view name, ACCESS_MASK access, ULONG options = 0)
    {
        return File(path(name), access, FILE_OPEN, options);
    }
    File create(std::u16string_view name, ACCESS_MASK access = FILE_ALL_ACCESS, ULONG options = 0)
    {
        return File(path(name), access, FILE_CREATE, options);
    }
    /// Makes a file with these contents, with attributes.
    void make(std::u16string_view name, std::string_view contents = {}, ULONG attributes = 0);
    void make_directory(std::u16string_view name);
    [[nodiscard]] bool exists(std::u16string_view name)
    {
        return open(name, FILE_READ_ATTRIBUTES).status() == STATUS_SUCCESS;
    }
    /// What the directory holds, sorted, without `.` and `..`.
    std::vector<std::u16string> names(std::u16string_view directory = {});

    [[nodiscard]] bool ignores_case() const { return !supports(FILE_CASE_SENSITIVE_SEARCH); }
    /// FileFsAttributeInformation has all these bits (FILE_NAMED_STREAMS ...).
    [[nodiscard]] bool supports(ULONG attributes) const;
    /// Skips the test on a volume without them.
    void need(ULONG attributes) const;

  private:
    std::u16string directory_;
};

} // namespace conformance
