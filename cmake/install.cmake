# What a program outside of this repository needs: headers, library, pkg-config file and CMake package WinFsp
# (target WinFsp::winfsp).
include(CMakePackageConfigHelpers)

install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/winfsp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT winfsp FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
set_target_properties(winfsp PROPERTIES EXPORT_NAME winfsp)
install(TARGETS winfsp EXPORT WinFspTargets LIBRARY COMPONENT winfsp NAMELINK_COMPONENT winfsp)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/WinFsp)
file(WRITE ${CMAKE_BINARY_DIR}/WinFspConfig.cmake
     "include(\"\${CMAKE_CURRENT_LIST_DIR}/WinFspTargets.cmake\")\n")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/WinFspConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(EXPORT WinFspTargets NAMESPACE WinFsp:: DESTINATION ${package_folder} COMPONENT winfsp)
install(FILES ${CMAKE_BINARY_DIR}/WinFspConfig.cmake ${CMAKE_BINARY_DIR}/WinFspConfigVersion.cmake
        DESTINATION ${package_folder} COMPONENT winfsp)

configure_file(${CMAKE_SOURCE_DIR}/cmake/winfsp.pc.in ${CMAKE_BINARY_DIR}/winfsp.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/winfsp.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT winfsp)
