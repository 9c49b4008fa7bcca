# Swagger UI: fetched by npm as the lock file says, packed, and taken into the binary.
# Sets POW_DOCS_SOURCE to the source file that carries it.
option(NATTERJACK_POW_DOCS "embed Swagger UI (needs npm and node when building)" ON)
if(NOT NATTERJACK_POW_DOCS)
  set(POW_DOCS_SOURCE docs_assets_absent.cpp)
  return()
endif()
find_program(NPM_PROGRAM npm)
find_program(NODE_PROGRAM NAMES node nodejs)
if(NOT NPM_PROGRAM OR NOT NODE_PROGRAM)
  message(FATAL_ERROR
    "The docs page of POW needs npm and node when building (Debian: apt install npm nodejs); "
    "without them, configure with -DNATTERJACK_POW_DOCS=OFF to leave the page out.")
endif()
set(ui_source ${CMAKE_CURRENT_SOURCE_DIR}/docs_ui)
set(ui_build ${CMAKE_CURRENT_BINARY_DIR}/docs_ui)
set(POW_DOCS_SOURCE ${ui_build}/docs_assets.cpp)
add_custom_command(
  OUTPUT ${POW_DOCS_SOURCE}
  COMMAND ${CMAKE_COMMAND} -E copy ${ui_source}/package.json ${ui_source}/package-lock.json
          ${ui_build}/
  COMMAND ${NPM_PROGRAM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
  COMMAND ${NODE_PROGRAM} ${ui_source}/embed.mjs ${ui_build}
  DEPENDS ${ui_source}/package.json ${ui_source}/package-lock.json ${ui_source}/embed.mjs
  WORKING_DIRECTORY ${ui_build}
  COMMENT "Fetching Swagger UI (npm ci)"
  VERBATIM)
file(MAKE_DIRECTORY ${ui_build})
