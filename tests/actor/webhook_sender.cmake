souk_test(webhook_sender_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/webhook_sender_test.cpp
  LINKS souk_webhook_sender souk_runtime LABELS actor)
