# The engine of the Lua host: states, tasks, channels, processes.
# Texts of library/ as one C++ file.
file(GLOB lua_library_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/library/*.lua)
set(lua_texts_entries "")
foreach(file IN LISTS lua_library_files)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND lua_texts_entries "    {\"${name}\", R\"lua(${text})lua\"},\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/lua_texts/runtime/lua/lua_texts.hpp CONTENT
"// Made from runtime/lua/library/*.lua.
#pragma once

#include <string_view>

namespace natterjack::runtime::lua {

struct lua_text {
  std::string_view name, text;
};

constexpr lua_text lua_texts[] = {
@lua_texts_entries@};

} // namespace natterjack::runtime::lua
" @ONLY)
target_include_directories(natterjack_lua PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/lua_texts)
target_link_libraries(natterjack_lua PRIVATE OpenSSL::SSL OpenSSL::Crypto)

find_package(SQLite3 REQUIRED)
target_link_libraries(natterjack_lua PRIVATE SQLite::SQLite3)

target_sources(natterjack_lua PRIVATE
  digests.cpp
  entry_registry.cpp
  env_variables.cpp
  event_bus.cpp
  group_watch.cpp
  http_streaming.cpp
  key_value_store.cpp
  lua_library.cpp
  metric_shelf.cpp
  module_base64.cpp
  module_crypto.cpp
  module_ctx.cpp
  module_env.cpp
  module_events.cpp
  module_fs.cpp
  module_funcs.cpp
  module_hash.cpp
  module_http_client.cpp
  module_io.cpp
  module_json_validate.cpp
  module_metrics.cpp
  module_pg_watch.cpp
  module_queue.cpp
  module_registry.cpp
  module_security.cpp
  module_sql.cpp
  module_store.cpp
  module_system.cpp
  module_uuid.cpp
  module_yaml.cpp
  queue_broker.cpp
  reply.cpp
  request_body.cpp
  services.cpp
  sqlite_database.cpp
  store_sql.cpp
  text_codes.cpp
  type_annotations.cpp
  volume.cpp
  work_pool.cpp
  yaml_text.cpp)

target_sources(natterjack_lua PRIVATE
  base_library.cpp
  block_cache.cpp
  call_batch.cpp
  channel.cpp
  channel_select.cpp
  chunk_scan.cpp
  coroutine_library.cpp
  engine.cpp
  engine_timers.cpp
  feed.cpp
  function_pool.cpp
  host_api.cpp
  lua_process.cpp
  lua_program.cpp
  lua_runtime.cpp
  message_object.cpp
  method.cpp
  print_sink.cpp
  process_control.cpp
  process_library.cpp
  require.cpp
  sandbox.cpp
  time_library.cpp
  timer_service.cpp
  traceback.cpp
  watchdog.cpp)
