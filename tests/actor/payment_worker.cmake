souk_test(payment_worker_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/payment_worker_test.cpp LINKS souk_payments LABELS actor)
