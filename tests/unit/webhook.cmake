souk_test(webhook_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/webhook_endpoint_test.cpp ${CMAKE_CURRENT_LIST_DIR}/webhook_plan_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/webhook_retry_after_test.cpp ${CMAKE_CURRENT_LIST_DIR}/webhook_signature_test.cpp ${CMAKE_CURRENT_LIST_DIR}/webhook_target_test.cpp
  LINKS souk_webhook LABELS unit)
souk_test(webhook_routes_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/webhook_routes_test.cpp LINKS souk_routes LABELS unit)
