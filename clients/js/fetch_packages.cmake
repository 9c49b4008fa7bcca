# cmake -D NPM=npm -P fetch_packages.cmake: `npm ci`, when node_modules is older than the lock file.
if(EXISTS node_modules/.package-lock.json AND
   NOT package-lock.json IS_NEWER_THAN node_modules/.package-lock.json)
  return()
endif()
execute_process(COMMAND ${NPM} ci RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "npm ci failed (${result})")
endif()
