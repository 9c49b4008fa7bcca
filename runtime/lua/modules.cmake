# Native modules of the Lua host and what they are made of. A library of objects, so that their tests
# can use them without the engine.
add_library(natterjack_lua_modules OBJECT
  base/error_object.cpp
  base/module_errors.cpp
  base/module_logger.cpp
  base/pattern.cpp
  base/pattern_library.cpp
  base/pattern_set.cpp
  base/shims.cpp
  base/shims_os.cpp
  base/shims_table.cpp
  http/http_text.cpp
  http/module_http.cpp
  http/module_http_multipart.cpp
  http/module_http_request.cpp
  http/module_http_response.cpp
  json/json_codec.cpp
  json/json_decoder.cpp
  json/json_encoder.cpp
  json/json_errors.cpp
  json/json_scanner.cpp
  json/json_text.cpp
  json/module_json.cpp
  shared/module_pg.cpp
  time/module_time_methods.cpp
  time/module_time_values.cpp
  time/time_layout.cpp
  time/time_layout_parse.cpp
  time/time_zone.cpp)
target_include_directories(natterjack_lua_modules PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(natterjack_lua_modules PUBLIC natterjack_hub lua54
                      PRIVATE natterjack_warnings)
target_precompile_headers(natterjack_lua_modules PRIVATE host_api.hpp)
target_sources(natterjack_lua PRIVATE $<TARGET_OBJECTS:natterjack_lua_modules>)
