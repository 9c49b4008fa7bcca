# Native modules of the Lua host and what they are made of. A library of objects, so that their tests
# can use them without the engine.
add_library(natterjack_lua_modules OBJECT
  http_text.cpp
  json_codec.cpp
  json_decoder.cpp
  json_encoder.cpp
  json_scanner.cpp
  json_text.cpp
  module_amqp.cpp
  module_errors.cpp
  module_http.cpp
  module_http_multipart.cpp
  module_http_request.cpp
  module_http_response.cpp
  module_json.cpp
  module_logger.cpp
  module_pg.cpp
  module_time_methods.cpp
  module_time_values.cpp
  pattern.cpp
  pattern_library.cpp
  shims.cpp
  shims_os.cpp
  shims_table.cpp
  time_layout.cpp
  time_layout_parse.cpp
  time_zone.cpp
)
target_include_directories(natterjack_lua_modules PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(natterjack_lua_modules PUBLIC natterjack_hub lua54
                      PRIVATE natterjack_warnings)
target_precompile_headers(natterjack_lua_modules PRIVATE host_api.hpp)
target_sources(natterjack_lua PRIVATE $<TARGET_OBJECTS:natterjack_lua_modules>)
