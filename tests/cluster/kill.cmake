# Kills the real process under load: `kill_check`, run small by CTest and in full by script/prove 01 4.
if(NOT SOUK_SANITIZE)
  set(folder ${CMAKE_CURRENT_LIST_DIR}/kill)
  add_executable(kill_check ${folder}/kill_check.cpp ${folder}/machine.cpp ${folder}/process.cpp ${folder}/shoppers.cpp
                            ${folder}/judge.cpp)
  target_link_libraries(kill_check PRIVATE souk_options souk_load CLI11::CLI11 Boost::json fmt::fmt)
endif()
