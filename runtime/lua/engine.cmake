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
target_link_libraries(natterjack_lua PRIVATE SQLite::SQLite3 ZLIB::ZLIB)

target_sources(natterjack_lua PRIVATE
  codec/digests.cpp
  codec/key_derivation.cpp
  shared/entry_registry.cpp
  storage/env_variables.cpp
  shared/event_bus.cpp
  shared/group_watch.cpp
  http/http_streaming.cpp
  storage/key_value_store.cpp
  lua_library.cpp
  shared/metric_shelf.cpp
  codec/module_base64.cpp
  codec/module_compress.cpp
  codec/module_crypto.cpp
  shared/module_ctx.cpp
  storage/module_env.cpp
  shared/module_events.cpp
  storage/module_fs.cpp
  shared/module_funcs.cpp
  codec/module_hash.cpp
  codec/module_pbkdf2.cpp
  http/module_http_client.cpp
  base/module_io.cpp
  json/module_json_validate.cpp
  shared/module_metrics.cpp
  shared/module_pg_watch.cpp
  storage/module_queue.cpp
  shared/module_registry.cpp
  shared/module_security.cpp
  storage/module_sql.cpp
  storage/module_store.cpp
  shared/module_system.cpp
  codec/module_uuid.cpp
  codec/module_yaml.cpp
  codec/zlib_codec.cpp
  storage/queue_broker.cpp
  shared/regular_expression.cpp
  reply.cpp
  http/request_body.cpp
  shared/services.cpp
  storage/sqlite_database.cpp
  storage/store_sql.cpp
  codec/text_codes.cpp
  type_annotations.cpp
  storage/volume.cpp
  shared/work_pool.cpp
  codec/yaml_text.cpp)

target_sources(natterjack_lua PRIVATE
  base/base_library.cpp
  block_cache.cpp
  call_batch.cpp
  channel.cpp
  channel_select.cpp
  chunk_scan.cpp
  coroutine_library.cpp
  engine.cpp
  engine_end.cpp
  engine_limits.cpp
  engine_state.cpp
  engine_timers.cpp
  error_argument.cpp
  feed.cpp
  function_pool.cpp
  function_pool_http.cpp
  shared/process_call.cpp
  shared/scripted_entries.cpp
  host_api.cpp
  lua_process.cpp
  lua_process_calls.cpp
  lua_process_neighbours.cpp
  lua_program.cpp
  lua_runtime.cpp
  message_object.cpp
  method.cpp
  payload_object.cpp
  base/print_sink.cpp
  process_control.cpp
  process_library.cpp
  process_names.cpp
  process_send.cpp
  require.cpp
  sandbox.cpp
  stack_floor.cpp
  time/time_library.cpp
  timer_service.cpp
  traceback.cpp
  watchdog.cpp)
