# What `cmake --install` puts where: the binary, the headers and archives hubs in C++ are built with,
# and the package that find_package(natterjack) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS natterjack RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# <natterjack/hub.hpp> and others for authors; they include the headers of the floor as "hub/x.hpp".
install(DIRECTORY hub/include/natterjack runtime/include/natterjack
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY hub/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/natterjack/hub
        FILES_MATCHING PATTERN "*.hpp" PATTERN include EXCLUDE)

set(NATTERJACK_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/natterjack)
set(NATTERJACK_INCLUDE_DIR ${CMAKE_INSTALL_INCLUDEDIR})
set(NATTERJACK_ARCHIVE_DIR ${CMAKE_INSTALL_LIBDIR}/natterjack)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/natterjackConfig.cmake.in
  ${PROJECT_BINARY_DIR}/natterjackConfig.cmake
  INSTALL_DESTINATION ${NATTERJACK_PACKAGE_DIR}
  PATH_VARS NATTERJACK_INCLUDE_DIR NATTERJACK_ARCHIVE_DIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/natterjackConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/natterjackConfig.cmake
              ${PROJECT_BINARY_DIR}/natterjackConfigVersion.cmake
        DESTINATION ${NATTERJACK_PACKAGE_DIR})
install(TARGETS natterjack_testing ARCHIVE DESTINATION ${NATTERJACK_ARCHIVE_DIR})

# A program with hubs of its own links what the binary links, whatever that is: read from the file that
# says it, so that a new library of a floor cannot be forgotten here.
if(CMAKE_GENERATOR STREQUAL "Ninja")
  configure_file(${CMAKE_CURRENT_LIST_DIR}/install_libraries.cmake.in
                 ${PROJECT_BINARY_DIR}/install_libraries.cmake @ONLY)
  install(SCRIPT ${PROJECT_BINARY_DIR}/install_libraries.cmake)
else()
  install(CODE "message(FATAL_ERROR \"the package needs a build by Ninja; use a preset\")")
endif()
