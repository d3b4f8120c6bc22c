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

# FUSE: libraries with libfuse's names, headers and pkg-config files, all in folders of ours, so that the system's libfuse
# stays what it is. Who wants ours sets PKG_CONFIG_PATH, or uses openfsp-run.
set(fuse_folder ${CMAKE_INSTALL_LIBDIR}/openfsp)
install(TARGETS openfsp-fuse2 openfsp-fuse3 LIBRARY DESTINATION ${fuse_folder} COMPONENT winfsp)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/fuse ${CMAKE_SOURCE_DIR}/include/fuse3
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/openfsp COMPONENT winfsp)
foreach(package fuse fuse3)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/${package}.pc.in ${CMAKE_BINARY_DIR}/${package}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${package}.pc DESTINATION ${fuse_folder}/pkgconfig COMPONENT winfsp)
endforeach()
file(RELATIVE_PATH libraries /${CMAKE_INSTALL_BINDIR} /${fuse_folder})
configure_file(${CMAKE_SOURCE_DIR}/src/libfuse/openfsp-run.in ${CMAKE_BINARY_DIR}/openfsp-run @ONLY USE_SOURCE_PERMISSIONS)
install(PROGRAMS ${CMAKE_BINARY_DIR}/openfsp-run DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT winfsp)
