# The slow disk of script/prove 02 7. Sanitizers insist on being the first library of a process, as it does.
if(NOT SOUK_SANITIZE)
  add_library(souk_slowdisk MODULE ${CMAKE_CURRENT_LIST_DIR}/slowdisk/slowdisk.cpp)
  target_link_libraries(souk_slowdisk PRIVATE souk_options ${CMAKE_DL_LIBS})
  set_target_properties(souk_slowdisk PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endif()
