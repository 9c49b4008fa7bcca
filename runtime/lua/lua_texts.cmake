# lua_texts(TARGET HEADER NAMESPACE FOLDER): the Lua files of a folder as an array in a header that TARGET may
# include by that path; its name is the header's, and each element has `name` and `text`.
function(lua_texts target header namespace folder)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.lua)
  set(entries "")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"lua(${text})lua\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  get_filename_component(array ${header} NAME_WE)
  file(RELATIVE_PATH from ${PROJECT_SOURCE_DIR} ${folder})
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/lua_texts/${header} CONTENT
"// Made from @from@/*.lua.
#pragma once

#include <string_view>

namespace @namespace@ {

struct lua_text {
  std::string_view name, text;
};

constexpr lua_text @array@[] = {
@entries@};

} // namespace @namespace@
" @ONLY)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/lua_texts)
endfunction()
