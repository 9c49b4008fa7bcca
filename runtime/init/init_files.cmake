# Makes init_files.cpp: examples/chat inside the program, for `natterjack init`.
set(init_root ${PROJECT_SOURCE_DIR}/examples/chat)
set(init_source ${CMAKE_CURRENT_BINARY_DIR}/init_files.cpp)
file(GLOB_RECURSE init_paths RELATIVE ${init_root} ${init_root}/*)
list(SORT init_paths)
set(init_text "// Made by init_files.cmake.\n#include \"runtime/init/init_files.hpp\"\n\n")
string(APPEND init_text "namespace natterjack::runtime {\n\nnamespace {\n\n"
       "constexpr init_file files[] = {\n")
foreach(path IN LISTS init_paths)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${init_root}/${path})
  file(READ ${init_root}/${path} content)
  string(APPEND init_text "    {\"${path}\", R\"natterjack(${content})natterjack\"},\n")
endforeach()
string(APPEND init_text "};\n\n} // namespace\n\n"
       "std::span<const init_file> init_files() { return files; }\n\n"
       "} // namespace natterjack::runtime\n")
file(WRITE ${init_source}.new "${init_text}")
file(COPY_FILE ${init_source}.new ${init_source} ONLY_IF_DIFFERENT)
