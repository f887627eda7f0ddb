souk_test(checkout_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/cart_test.cpp
  LINKS souk_checkout LABELS unit)
