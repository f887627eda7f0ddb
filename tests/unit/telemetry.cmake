souk_test(telemetry_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/telemetry_access_test.cpp ${CMAKE_CURRENT_LIST_DIR}/telemetry_health_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/telemetry_log_test.cpp ${CMAKE_CURRENT_LIST_DIR}/telemetry_metrics_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/telemetry_spans_test.cpp
  LINKS souk_telemetry Boost::json
  LABELS unit)
