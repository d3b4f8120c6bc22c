// SPDX-License-Identifier: MIT

/// Keys and values, as the documentation of the ZwXxxKey routines has them.

#include <ntifs.h>

#include <cstring>
#include <gtest/gtest.h>
#include <ntos/boot.h>
#include <string>

namespace {

constexpr char16_t base[] = u"\\Registry\\Machine\\Software\\Test";

UNICODE_STRING string(std::u16string_view text)
{
    const auto bytes = static_cast<USHORT>(text.size() * sizeof(WCHAR));
    return {bytes, bytes, const_cast<WCHAR*>(text.data())};
}

class Registry : public testing::Test
{
  public:
    Registry() { fsp::ntos::boot(); }
    ~Registry() override
    {
        EXPECT_EQ(ZwDeleteKey(key_), STATUS_SUCCESS);
        EXPECT_EQ(ZwClose(key_), STATUS_SUCCESS);
    }

    void SetUp() override
    {
        ULONG how = 0;
        ASSERT_EQ(create(base, nullptr, &key_, &how), STATUS_SUCCESS);
        ASSERT_EQ(how, REG_CREATED_NEW_KEY);
    }

    static NTSTATUS create(std::u16string_view path, HANDLE root, HANDLE* key, ULONG* how = nullptr)
    {
        UNICODE_STRING name = string(path);
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root,
                                   nullptr);
        return ZwCreateKey(key, KEY_ALL_ACCESS, &attributes, 0, nullptr, REG_OPTION_VOLATILE, how);
    }
    static NTSTATUS open(std::u16string_view path, HANDLE root, HANDLE* key)
    {
        UNICODE_STRING name = string(path);
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root,
                                   nullptr);
        return ZwOpenKey(key, KEY_READ, &attributes);
    }
    NTSTATUS set(std::u16string_view name, ULONG type, std::string_view data)
    {
        UNICODE_STRING value = string(name);
        return ZwSetValueKey(key_, &value, 0, type, const_cast<char*>(data.data()),
                             static_cast<ULONG>(data.size()));
    }
    NTSTATUS query(std::u16string_view name, ULONG length)
    {
        UNICODE_STRING value = string(name);
        return ZwQueryValueKey(key_, &value, KeyValuePartialInformation, &partial_, length, &needed_);
    }

    HANDLE key_ = nullptr;
    ULONG needed_ = 0;
    union
    {
        KEY_VALUE_PARTIAL_INFORMATION partial_;
        KEY_VALUE_FULL_INFORMATION full_;
        UCHAR bytes_[256];
    };
};

TEST_F(Registry, KeysAreFoundWhateverTheirCase)
{
    HANDLE child = nullptr, again = nullptr;
    ULONG how = 0;
    EXPECT_EQ(open(u"child", key_, &child), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_EQ(create(u"child", key_, &child, &how), STATUS_SUCCESS);
    EXPECT_EQ(how, REG_CREATED_NEW_KEY);
    ASSERT_EQ(create(u"\\REGISTRY\\machine\\software\\test\\CHILD", nullptr, &again, &how), STATUS_SUCCESS);
    EXPECT_EQ(how, REG_OPENED_EXISTING_KEY);
    EXPECT_EQ(ZwDeleteKey(key_), STATUS_CANNOT_DELETE) << "it has a child";
    EXPECT_EQ(ZwDeleteKey(child), STATUS_SUCCESS);
    EXPECT_EQ(ZwDeleteKey(again), STATUS_KEY_DELETED);
    ZwClose(child);
    ZwClose(again);
    EXPECT_EQ(create(u"a\\b", key_, &child), STATUS_OBJECT_NAME_NOT_FOUND) << "the parent must be there";
    EXPECT_EQ(open(u"relative", nullptr, &child), STATUS_OBJECT_PATH_SYNTAX_BAD);
}

TEST_F(Registry, ValuesAreReplacedAndDeleted)
{
    ASSERT_EQ(set(u"Name", REG_BINARY, "abc"), STATUS_SUCCESS);
    ASSERT_EQ(set(u"NAME", REG_SZ, "four"), STATUS_SUCCESS);
    ASSERT_EQ(query(u"name", sizeof bytes_), STATUS_SUCCESS);
    EXPECT_EQ(partial_.Type, ULONG{REG_SZ});
    EXPECT_EQ(std::string(reinterpret_cast<char*>(partial_.Data), partial_.DataLength), "four");
    UNICODE_STRING name = string(u"name");
    EXPECT_EQ(ZwDeleteValueKey(key_, &name), STATUS_SUCCESS);
    EXPECT_EQ(ZwDeleteValueKey(key_, &name), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(query(u"name", sizeof bytes_), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Registry, SmallBuffersAreToldWhatIsNeeded)
{
    ASSERT_EQ(set(u"v", REG_BINARY, "0123456789"), STATUS_SUCCESS);
    EXPECT_EQ(query(u"v", 11), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(needed_, 22u);
    EXPECT_EQ(query(u"v", 15), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(partial_.DataLength, 10u);
    EXPECT_EQ(std::memcmp(partial_.Data, "012", 3), 0);
    EXPECT_EQ(query(u"v", 22), STATUS_SUCCESS);
}

TEST_F(Registry, ValuesAreEnumerated)
{
    ASSERT_EQ(set(u"odd", REG_BINARY, "1"), STATUS_SUCCESS);
    ASSERT_EQ(set(u"b", REG_DWORD, "2222"), STATUS_SUCCESS);
    ASSERT_EQ(ZwEnumerateValueKey(key_, 0, KeyValueFullInformation, bytes_, sizeof bytes_, &needed_),
              STATUS_SUCCESS);
    EXPECT_EQ(full_.NameLength, 6u);
    EXPECT_EQ(full_.DataOffset % 4, 0u);
    EXPECT_EQ(bytes_[full_.DataOffset], '1');
    ASSERT_EQ(ZwEnumerateValueKey(key_, 1, KeyValueFullInformation, bytes_, sizeof bytes_, &needed_),
              STATUS_SUCCESS);
    EXPECT_EQ(full_.Type, ULONG{REG_DWORD});
    EXPECT_EQ(ZwEnumerateValueKey(key_, 2, KeyValueFullInformation, bytes_, sizeof bytes_, &needed_),
              STATUS_NO_MORE_ENTRIES);
}

} // namespace
