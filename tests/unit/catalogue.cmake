souk_test(catalogue_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/catalogue_test.cpp ${CMAKE_CURRENT_LIST_DIR}/product_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/sku_test.cpp ${CMAKE_CURRENT_LIST_DIR}/stock_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/stock_property_test.cpp
  LINKS souk_catalogue LABELS unit)
