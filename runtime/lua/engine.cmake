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
  alarm.cpp
  base/base_library.cpp
  base/error_output.cpp
  base/module_io.cpp
  base/print_sink.cpp
  call_batch.cpp
  call_bound.cpp
  codec/digests.cpp
  codec/key_derivation.cpp
  codec/module_base64.cpp
  codec/module_compress.cpp
  codec/module_crypto.cpp
  codec/module_hash.cpp
  codec/module_pbkdf2.cpp
  codec/module_uuid.cpp
  codec/module_yaml.cpp
  codec/text_codes.cpp
  codec/yaml_text.cpp
  codec/zlib_codec.cpp
  engine/block_cache.cpp
  engine/channel.cpp
  engine/channel_select.cpp
  engine/coroutine_library.cpp
  engine/engine.cpp
  engine/engine_end.cpp
  engine/engine_limits.cpp
  engine/engine_state.cpp
  engine/engine_timers.cpp
  engine/method.cpp
  engine/stack_floor.cpp
  engine/timer_service.cpp
  engine/traceback.cpp
  engine/watchdog.cpp
  function_pool.cpp
  function_pool_http.cpp
  function_pool_queue.cpp
  host_api.cpp
  http/http_streaming.cpp
  http/module_http_client.cpp
  http/request_body.cpp
  json/module_json_validate.cpp
  lua_runtime.cpp
  process/error_argument.cpp
  process/feed.cpp
  process/lua_process.cpp
  process/lua_process_calls.cpp
  process/lua_process_neighbours.cpp
  process/message_object.cpp
  process/payload_object.cpp
  process/process_control.cpp
  process/process_library.cpp
  process/process_names.cpp
  process/process_send.cpp
  program/chunk_scan.cpp
  program/lua_library.cpp
  program/lua_program.cpp
  program/require.cpp
  program/sandbox.cpp
  program/type_annotations.cpp
  regex/regex_characters.cpp
  regex/regex_parser.cpp
  regex/regular_expression.cpp
  reply.cpp
  shared/answering_work.cpp
  shared/entry_registry.cpp
  shared/event_bus.cpp
  shared/group_watch.cpp
  shared/metric_shelf.cpp
  shared/module_ctx.cpp
  shared/module_events.cpp
  shared/module_funcs.cpp
  shared/module_metrics.cpp
  shared/module_pg_watch.cpp
  shared/module_registry.cpp
  shared/module_security.cpp
  shared/module_system.cpp
  shared/process_call.cpp
  shared/scripted_entries.cpp
  shared/services.cpp
  shared/work_pool.cpp
  storage/env_variables.cpp
  storage/key_value_store.cpp
  storage/module_env.cpp
  storage/module_fs.cpp
  storage/module_queue.cpp
  storage/module_sql.cpp
  storage/module_store.cpp
  storage/queue_broker.cpp
  storage/sqlite_database.cpp
  storage/store_sql.cpp
  storage/volume.cpp
  time/time_library.cpp)
