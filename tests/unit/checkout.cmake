souk_test(checkout_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/buyer_test.cpp ${CMAKE_CURRENT_LIST_DIR}/cart_test.cpp ${CMAKE_CURRENT_LIST_DIR}/checkout_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/payment_test.cpp ${CMAKE_CURRENT_LIST_DIR}/order_test.cpp
  LINKS souk_checkout LABELS unit)

souk_test(saga_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/saga_test.cpp ${CMAKE_CURRENT_LIST_DIR}/saga_world.cpp
  LINKS souk_checkout LABELS unit)
