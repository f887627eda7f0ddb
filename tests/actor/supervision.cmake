souk_test(supervision_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/supervision_test.cpp ${CMAKE_CURRENT_LIST_DIR}/supervision_entities_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/supervision_tree_test.cpp ${CMAKE_CURRENT_LIST_DIR}/supervision_scripts_test.cpp
  LINKS souk_supervision Boost::json
  LABELS actor)
