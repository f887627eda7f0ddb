# The power-cut shim and its own test. Sanitizers insist on being the first library of a process, as the shim does.
if(NOT SOUK_SANITIZE)
  set(folder ${CMAKE_CURRENT_LIST_DIR}/powercut)
  add_library(souk_powercut MODULE ${folder}/powercut.cpp)
  target_link_libraries(souk_powercut PRIVATE souk_options ${CMAKE_DL_LIBS})
  set_target_properties(souk_powercut PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")

  add_executable(powercut_probe ${folder}/probe.cpp)
  target_link_libraries(powercut_probe PRIVATE souk_options souk_persistence PkgConfig::LMDB)

  souk_test(powercut_test SOURCES ${folder}/powercut_test.cpp LINKS souk_persistence PkgConfig::LMDB LABELS cluster)
  target_compile_definitions(powercut_test PRIVATE SOUK_POWERCUT_SHIM="$<TARGET_FILE:souk_powercut>"
                                                   SOUK_POWERCUT_PROBE="$<TARGET_FILE:powercut_probe>")
  add_dependencies(powercut_test souk_powercut powercut_probe)
endif()
