// SPDX-License-Identifier: MIT
/// @file The parts of the PE format that a 64-bit driver image uses ("PE Format", Microsoft).
#pragma once

#include <cstdint>

namespace fsp::ntos::ldr {

struct DosHeader
{
    uint16_t magic; // "MZ"
    uint16_t unused[29];
    uint32_t pe_offset;
};

struct Directory
{
    uint32_t rva;
    uint32_t size;
};

enum DirectoryIndex
{
    export_directory = 0,
    import_directory = 1,
    exception_directory = 3,
    relocation_directory = 5,
    directory_count = 16,
};

constexpr uint16_t dos_magic = 0x5a4d;
constexpr uint32_t pe_signature = 0x00004550;
constexpr uint16_t machine_amd64 = 0x8664;
constexpr uint16_t optional_magic_64 = 0x20b;
constexpr uint16_t subsystem_native = 1;

struct PeHeader
{
    uint32_t signature;
    uint16_t machine;
    uint16_t section_count;
    uint32_t time, symbols, symbol_count;
    uint16_t optional_size;
    uint16_t characteristics;
    // The optional header, PE32+.
    uint16_t magic;
    uint8_t linker[2];
    uint32_t code_size, data_size, bss_size;
    uint32_t entry_point;
    uint32_t code_base;
    uint64_t image_base;
    uint32_t section_alignment, file_alignment;
    uint16_t versions[6];
    uint32_t win32_version;
    uint32_t image_size;
    uint32_t headers_size;
    uint32_t checksum;
    uint16_t subsystem;
    uint16_t dll_characteristics;
    uint64_t stack_and_heap[4];
    uint32_t loader_flags;
    uint32_t directories_present;
    Directory directories[directory_count];
};
static_assert(sizeof(PeHeader) == 24 + 240);

struct Section
{
    char name[8];
    uint32_t virtual_size;
    uint32_t rva;
    uint32_t raw_size;
    uint32_t raw_offset;
    uint32_t unused[3];
    uint32_t characteristics;
};
static_assert(sizeof(Section) == 40);

struct ImportDescriptor
{
    uint32_t names_rva;
    uint32_t time, forwarder;
    uint32_t module_rva;
    uint32_t addresses_rva;
};

struct ExportDirectory
{
    uint32_t unused[5];
    uint32_t address_count, name_count;
    uint32_t addresses_rva; // of uint32_t: where the routine is
    uint32_t names_rva;     // of uint32_t: where the name is
    uint32_t ordinals_rva;  // of uint16_t: which address the name has
};

struct RelocationBlock
{
    uint32_t page_rva;
    uint32_t size; // with this header
};
constexpr uint16_t relocation_none = 0, relocation_64 = 10;

// ---- Exceptions on x64 ("x64 exception handling", Microsoft) ----

struct RuntimeFunction
{
    uint32_t begin, end, unwind_rva;
};

struct UnwindInfo
{
    uint8_t version : 3, flags : 5;
    uint8_t prolog_size;
    uint8_t code_count;
    uint8_t frame_register : 4, frame_offset : 4;
};
constexpr uint8_t unwind_has_handler = 1, unwind_has_finally = 2, unwind_chained = 4;

struct UnwindCode
{
    uint8_t prolog_offset;
    uint8_t operation : 4, info : 4;
};

enum UnwindOperation
{
    push_nonvolatile = 0,
    allocate_large = 1,
    allocate_small = 2,
    set_frame = 3,
    save_nonvolatile = 4,
    save_nonvolatile_far = 5,
    save_xmm = 8,
    save_xmm_far = 9,
    push_machine_frame = 10,
};

/// What __C_specific_handler finds behind the unwind information.
struct ScopeRecord
{
    uint32_t begin, end;
    uint32_t filter; // 1: handle everything
    uint32_t target; // 0: a __finally
};

} // namespace fsp::ntos::ldr
