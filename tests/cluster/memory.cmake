# Fills a running shop with carts, for script/prove 01 8.
add_executable(cart_flood ${CMAKE_CURRENT_LIST_DIR}/memory/cart_flood.cpp)
target_link_libraries(cart_flood PRIVATE souk_options souk_load CLI11::CLI11 Boost::json fmt::fmt)
