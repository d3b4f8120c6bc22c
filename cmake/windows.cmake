# The Windows product: driver, DLL with import library, programs and their tests. Included by the main file where
# the target system is Windows.
set(arch ${OPENFSP_ARCH})

# A version resource for the target's file.
function(add_version target file type subtype description)
  set(TYPE ${type})
  set(SUBTYPE ${subtype})
  set(DESCRIPTION ${description})
  set(FILE ${file})
  configure_file(${CMAKE_SOURCE_DIR}/cmake/version.rc.in ${CMAKE_BINARY_DIR}/${target}.rc @ONLY)
  if(NOT arch STREQUAL "a64")
    target_sources(${target} PRIVATE ${CMAKE_BINARY_DIR}/${target}.rc)
  endif()
endfunction()

# ---- Driver ----
add_custom_target(driver ALL
                  COMMAND ${CMAKE_SOURCE_DIR}/cmake/build-sys.sh ${arch} ${CMAKE_BINARY_DIR}/driver
                  COMMAND ${CMAKE_COMMAND} -E copy_if_different ${CMAKE_BINARY_DIR}/driver/winfsp-${arch}.sys
                          ${CMAKE_BINARY_DIR}/driver/winfsp-${arch}.pdb ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})

# ---- DLL ----
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/dll/*.cpp ${CMAKE_SOURCE_DIR}/src/dll/fuse/*.cpp)
list(FILTER sources EXCLUDE REGEX "(_linux|/winapi|/inline_dispatch|/posix_mount)\\.cpp$")
foreach(part access_check acl object_security posix_identity posix_path posix_permissions security_descriptor
             security_descriptor_rtl sid text
             upcase win32_status)
  list(APPEND sources ${CMAKE_SOURCE_DIR}/src/nt/${part}.cpp)
endforeach()

add_library(winfsp SHARED ${sources})
set_target_properties(winfsp PROPERTIES OUTPUT_NAME winfsp-${arch} PREFIX "" IMPORT_PREFIX "" IMPORT_SUFFIX ".lib")
target_include_directories(winfsp INTERFACE ${CMAKE_SOURCE_DIR}/include
                                         PRIVATE ${CMAKE_SOURCE_DIR}/src/dll/windows ${CMAKE_SOURCE_DIR}/src
                                                 ${CMAKE_SOURCE_DIR}/include)
target_compile_definitions(winfsp PRIVATE WINFSP_DLL_INTERNAL _WIN32_WINNT=0x0A00 _GLIBCXX_EXTERN_TEMPLATE=0)
target_compile_options(winfsp PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-stack-protector
                                      -Wno-unknown-pragmas -Wno-attributes)
if(arch STREQUAL "a64")
  # The C++ library's headers are the same for every architecture; only templates and constants of them are used.
  file(GLOB cxx_headers /usr/lib/gcc/x86_64-w64-mingw32/*-posix/include/c++)
  target_include_directories(winfsp SYSTEM PRIVATE ${cxx_headers} ${cxx_headers}/x86_64-w64-mingw32
                                                   /usr/share/mingw-w64/include)
  target_compile_options(winfsp PRIVATE -nostdinc++ -Wno-inconsistent-dllimport -Wno-dll-attribute-on-redeclaration)
endif()
# Its functions must not be compiled into calls of themselves.
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/dll/runtime_windows.cpp PROPERTIES COMPILE_OPTIONS "-fno-builtin")
add_version(winfsp winfsp-${arch}.dll 2 0 "User mode file system library")
set(CMAKE_CXX_STANDARD_LIBRARIES "")
# No C run-time library: kernel32, advapi32 and ntdll are in every process.
if(arch STREQUAL "a64")
  foreach(library kernel32 advapi32 ntdll)
    # The same functions as on x64.
    set(def ${CMAKE_BINARY_DIR}/${library}.def)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/lib${library}.a
      COMMAND sh ${CMAKE_SOURCE_DIR}/cmake/import-library.sh ${library} ${def} ${CMAKE_BINARY_DIR}/lib${library}.a)
    list(APPEND imports ${CMAKE_BINARY_DIR}/lib${library}.a)
  endforeach()
  add_custom_target(imports DEPENDS ${imports})
  add_dependencies(winfsp imports)
  target_link_options(winfsp PRIVATE -nostdlib -fuse-ld=lld-19 -Wl,--entry=DllMain -Wl,--no-insert-timestamp)
  target_link_libraries(winfsp PRIVATE ${imports})
else()
  set(entry DllMain)
  if(arch STREQUAL "x86")
    set(entry _DllMain@12)
  endif()
  target_link_options(winfsp PRIVATE -nostdlib -nodefaultlibs -Wl,--entry=${entry} -Wl,--kill-at
                                     -Wl,--dynamicbase,--nxcompat,--no-insert-timestamp)
  target_link_libraries(winfsp PRIVATE -lgcc -lkernel32 -ladvapi32 -lntdll)
  set_target_properties(winfsp PROPERTIES LINK_INTERFACE_LIBRARIES "")
endif()

# ---- Programs: they need nothing but the DLL ----
if(NOT arch STREQUAL "a64") # there is no C run-time library for ARM64 here
  add_library(program INTERFACE)
  target_compile_definitions(program INTERFACE _WIN32_WINNT=0x0A00 UNICODE _UNICODE)
  target_compile_options(program INTERFACE -Wno-unknown-pragmas -Wno-attributes)
  target_link_options(program INTERFACE -static -Wl,--dynamicbase,--nxcompat,--no-insert-timestamp)
  target_link_libraries(program INTERFACE winfsp)

  file(GLOB memfs_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/samples/memfs/*.cpp)
  add_executable(memfs ${memfs_sources})
  target_link_libraries(memfs PRIVATE program -ladvapi32 -lntdll)
  set_target_properties(memfs PROPERTIES OUTPUT_NAME memfs-${arch})
  add_version(memfs memfs-${arch}.exe 1 0 "Memory file system")

  file(GLOB fsptool_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/fsptool/*.cpp)
  list(FILTER fsptool_sources EXCLUDE REGEX "_linux\\.cpp$")
  add_executable(fsptool ${fsptool_sources})
  target_include_directories(fsptool PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(fsptool PRIVATE program -ladvapi32 -lntdll)
  set_target_properties(fsptool PROPERTIES OUTPUT_NAME fsptool-${arch})
  add_version(fsptool fsptool-${arch}.exe 1 0 "File system tool")

  foreach(sample memfs-fuse passthrough-fuse)
    foreach(version 2 3)
      string(REPLACE 2 "" suffix ${version})
      set(name ${sample}${suffix})
      add_executable(${name} ${CMAKE_SOURCE_DIR}/samples/${sample}/fuse${version}.cpp)
      target_link_libraries(${name} PRIVATE program)
      set_target_properties(${name} PROPERTIES OUTPUT_NAME ${name}-${arch})
      add_version(${name} ${name}-${arch}.exe 1 0 "FUSE ${version} sample file system")
    endforeach()
  endforeach()

  add_custom_target(conformance ALL
                    COMMAND ${CMAKE_SOURCE_DIR}/tests/conformance/build_windows.sh ${CMAKE_BINARY_DIR}/conformance ${arch}
                    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${CMAKE_BINARY_DIR}/conformance/conformance-${arch}.exe
                            ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
  add_subdirectory(tests/windows)
endif()
