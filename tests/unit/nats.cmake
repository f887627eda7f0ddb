souk_test(nats_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/nats_names_test.cpp ${CMAKE_CURRENT_LIST_DIR}/nats_plan_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/nats_sink_test.cpp
  LINKS souk_nats_names souk_nats_sink LABELS unit)
