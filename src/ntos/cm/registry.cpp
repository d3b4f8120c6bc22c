// SPDX-License-Identifier: MIT
/// @file The registry: keys in memory, empty at the start but for the roots that every system has. Kernel
/// callers only.
#include "ntos/ob/namespace.h"
#include "ntos/verifier.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace fsp::ntos {

namespace cm {

namespace {

struct Value
{
    std::u16string name;
    ULONG type;
    std::vector<UCHAR> data;
};

struct Key
{
    Key* parent = nullptr;
    bool deleted = false;
    std::vector<Value> values; // in the order in which they came
    std::unordered_map<std::u16string, std::shared_ptr<Key>, ob::FoldedHash, ob::FoldedEqual> children;

    std::shared_ptr<Key> child(std::u16string_view name)
    {
        const auto found = children.find(name);
        return found == children.end() ? nullptr : found->second;
    }
    auto value(std::u16string_view name)
    {
        return std::find_if(values.begin(), values.end(),
                            [name](const Value& v) { return ob::FoldedEqual()(v.name, name); });
    }
};

/// Body of a key object.
struct OpenKey
{
    std::shared_ptr<Key> key;
};

void destroy_key(void* body) { static_cast<OpenKey*>(body)->~OpenKey(); }

ob::Type key_type = {
    u"Key", {KEY_READ, KEY_WRITE, KEY_READ, KEY_ALL_ACCESS}, KEY_ALL_ACCESS, -1, nullptr, destroy_key,
    nullptr};

/// Guards every key.
std::mutex lock;

std::shared_ptr<Key> make_child(Key& parent, std::u16string_view name)
{
    auto key = std::make_shared<Key>();
    key->parent = &parent;
    parent.children.emplace(name, key);
    return key;
}

/// Above \Registry.
Key& root()
{
    static Key* const root = [] {
        auto* top = new Key;
        const auto machine = make_child(*make_child(*top, u"Registry"), u"Machine");
        for (const char16_t* hive : {u"Software", u"System"})
            make_child(*machine, hive);
        return top;
    }();
    return *root;
}

struct Place
{
    std::shared_ptr<Key> key; // null: not there
    Key* parent = nullptr;    // the deepest key found on the way to one that is not there
    std::u16string_view last; // its name, if only the last component is missing
};

NTSTATUS find(const OBJECT_ATTRIBUTES& attributes, Place* place, std::shared_ptr<Key>* start)
{
    std::u16string_view path = ob::view(*attributes.ObjectName);
    if (attributes.RootDirectory != nullptr) {
        ob::Ref<void> body;
        ACCESS_MASK granted = 0;
        const NTSTATUS status =
            ob::reference_by_handle(attributes.RootDirectory, 0, &key_type, KernelMode, body.out(), &granted);
        if (!NT_SUCCESS(status))
            return status;
        *start = static_cast<OpenKey*>(body.get())->key;
        place->key = *start;
    } else {
        if (path.empty() || path.front() != u'\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        path.remove_prefix(1);
    }
    Key* key = place->key ? place->key.get() : &root();
    while (!path.empty()) {
        const size_t end = std::min(path.find(u'\\'), path.size());
        const std::u16string_view name = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        place->key = key->child(name);
        if (!place->key) {
            if (!path.empty())
                return STATUS_OBJECT_NAME_NOT_FOUND;
            place->parent = key;
            place->last = name;
            return STATUS_SUCCESS;
        }
        key = place->key.get();
    }
    return place->key ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}

NTSTATUS open(std::shared_ptr<Key> key, ACCESS_MASK access, ULONG attributes, HANDLE* handle)
{
    ob::Ref<OpenKey> body(ob::create<OpenKey>(&key_type));
    if (!body)
        return STATUS_INSUFFICIENT_RESOURCES;
    body->key = std::move(key);
    RtlMapGenericMask(&access, &key_type.mapping);
    return ob::create_handle(body.get(), access, attributes, handle);
}

/// The key behind a handle, locked, for one call.
struct KeyCall
{
    explicit KeyCall(HANDLE handle) : guard(lock)
    {
        ACCESS_MASK granted = 0;
        status = ob::reference_by_handle(handle, 0, &key_type, KernelMode, object.out(), &granted);
        if (NT_SUCCESS(status) && get()->deleted)
            status = STATUS_KEY_DELETED;
    }
    Key* get() const { return static_cast<OpenKey*>(object.get())->key.get(); }
    Key* operator->() const { return get(); }

    ob::Ref<void> object; // outlives the lock: the last reference must not go while it is held
    std::unique_lock<std::mutex> guard;
    NTSTATUS status;
};

/// Writes what fits. @return STATUS_BUFFER_TOO_SMALL if not even the fixed part does, STATUS_BUFFER_OVERFLOW
NTSTATUS describe(const Value& value, KEY_VALUE_INFORMATION_CLASS kind, PVOID out, ULONG length,
                  PULONG needed)
{
    const auto name_size = static_cast<ULONG>(value.name.size() * sizeof(WCHAR));
    const auto data_size = static_cast<ULONG>(value.data.size());
    ULONG fixed = 0;
    std::vector<UCHAR> whole;
    const auto append = [&](const void* from, ULONG size) {
        const auto* bytes = static_cast<const UCHAR*>(from);
        whole.insert(whole.end(), bytes, bytes + size);
    };
    const auto number = [&](ULONG n) { append(&n, sizeof n); };
    number(0);
    number(value.type);
    switch (kind) {
    case KeyValueBasicInformation:
        fixed = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
        number(name_size);
        append(value.name.data(), name_size);
        break;
    case KeyValueFullInformation:
        fixed = FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name);
        number((fixed + name_size + 3) & ~3u);
        number(data_size);
        number(name_size);
        append(value.name.data(), name_size);
        whole.resize((whole.size() + 3) & ~size_t{3});
        append(value.data.data(), data_size);
        break;
    case KeyValuePartialInformation:
        fixed = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);
        number(data_size);
        append(value.data.data(), data_size);
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    *needed = static_cast<ULONG>(whole.size());
    if (length < fixed)
        return STATUS_BUFFER_TOO_SMALL;
    std::memcpy(out, whole.data(), std::min<size_t>(length, whole.size()));
    return length < whole.size() ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

} // namespace

} // namespace cm

using namespace cm;

extern "C" {

NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           ULONG, PUNICODE_STRING, ULONG, PULONG Disposition)
{
    Place place;
    std::shared_ptr<Key> start;
    bool created = false;
    {
        std::lock_guard guard(lock);
        const NTSTATUS status = find(*ObjectAttributes, &place, &start);
        if (!NT_SUCCESS(status))
            return status;
        if (!place.key) {
            place.key = make_child(*place.parent, place.last);
            created = true;
        }
    }
    if (Disposition != nullptr)
        *Disposition = created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
    return open(std::move(place.key), DesiredAccess, ObjectAttributes->Attributes, KeyHandle);
}

NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    *KeyHandle = nullptr;
    Place place;
    std::shared_ptr<Key> start;
    {
        std::lock_guard guard(lock);
        const NTSTATUS status = find(*ObjectAttributes, &place, &start);
        if (!NT_SUCCESS(status))
            return status;
    }
    if (!place.key)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return open(std::move(place.key), DesiredAccess, ObjectAttributes->Attributes, KeyHandle);
}

NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
    const KeyCall key(KeyHandle);
    if (!NT_SUCCESS(key.status))
        return key.status;
    if (!key->children.empty() || key->parent == nullptr)
        return STATUS_CANNOT_DELETE;
    key->deleted = true;
    auto& siblings = key->parent->children;
    for (auto it = siblings.begin(); it != siblings.end(); ++it) {
        if (it->second.get() == key.get()) {
            siblings.erase(it); // the handle holds the key
            break;
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG, ULONG Type, PVOID Data,
                             ULONG DataSize)
{
    const KeyCall key(KeyHandle);
    if (!NT_SUCCESS(key.status))
        return key.status;
    const std::u16string_view name = ob::view(*ValueName);
    auto value = key->value(name);
    if (value == key->values.end())
        value = key->values.insert(value, {std::u16string(name), Type, {}});
    value->type = Type;
    const auto* bytes = static_cast<const UCHAR*>(Data);
    value->data.assign(bytes, bytes + DataSize);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    const KeyCall key(KeyHandle);
    if (!NT_SUCCESS(key.status))
        return key.status;
    const auto value = key->value(ob::view(*ValueName));
    if (value == key->values.end())
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return describe(*value, KeyValueInformationClass, KeyValueInformation, Length, ResultLength);
}

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    const KeyCall key(KeyHandle);
    if (!NT_SUCCESS(key.status))
        return key.status;
    if (Index >= key->values.size())
        return STATUS_NO_MORE_ENTRIES;
    return describe(key->values[Index], KeyValueInformationClass, KeyValueInformation, Length, ResultLength);
}

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    const KeyCall key(KeyHandle);
    if (!NT_SUCCESS(key.status))
        return key.status;
    const auto value = key->value(ob::view(*ValueName));
    if (value == key->values.end())
        return STATUS_OBJECT_NAME_NOT_FOUND;
    key->values.erase(value);
    return STATUS_SUCCESS;
}

} // extern "C"

} // namespace fsp::ntos
