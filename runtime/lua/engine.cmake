# The engine of the Lua host: states, tasks, channels, processes.
target_sources(natterjack_lua PRIVATE
  base_library.cpp
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
