souk_test(controller_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/controller_plan_test.cpp ${CMAKE_CURRENT_LIST_DIR}/controller_property_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/cluster_text_test.cpp
  LINKS souk_cluster LABELS unit)
