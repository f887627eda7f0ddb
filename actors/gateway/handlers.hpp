#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/step.hpp"

/// What each route does, one file a group. The table in routes.cpp says which is which.
namespace souk::gateway {

// catalogue_routes.cpp
step create_product(const call& call, const services& services);
step replace_product(const call& call, const services& services);
step get_product(const call& call, const services& services);
step list_products(const call& call, const services& services);
step get_variant(const call& call, const services& services);
step search_products(const call& call, const services& services);

// inventory_routes.cpp
step adjust_stock(const call& call, const services& services);
step list_levels(const call& call, const services& services);
step list_movements(const call& call, const services& services);
step audit_stock(const call& call, const services& services);

// cart_routes.cpp
step create_cart(const call& call, const services& services);
step get_cart(const call& call, const services& services);
step add_items(const call& call, const services& services);
step set_quantity(const call& call, const services& services);
step remove_line(const call& call, const services& services);

// checkout_routes.cpp
step create_checkout(const call& call, const services& services);
step get_checkout(const call& call, const services& services);
step complete_checkout(const call& call, const services& services);
step cancel_checkout(const call& call, const services& services);

// order_routes.cpp
step get_order(const call& call, const services& services);
step list_orders(const call& call, const services& services);
step cancel_order(const call& call, const services& services);
#ifdef SOUK_NEXT_VERSION
step count_units(const call& call, const services& services);
#endif

// event_routes.cpp
step list_events(const call& call, const services& services);
step stream_events(const call& call, const services& services);

// webhook_routes.cpp
step create_webhook_endpoint(const call& call, const services& services);
step list_webhook_endpoints(const call& call, const services& services);
step get_webhook_endpoint(const call& call, const services& services);
step change_webhook_endpoint(const call& call, const services& services);
step remove_webhook_endpoint(const call& call, const services& services);
step rotate_webhook_secret(const call& call, const services& services);
step replay_webhook_endpoint(const call& call, const services& services);

// key_routes.cpp
step create_key(const call& call, const services& services);
step list_keys(const call& call, const services& services);
step revoke_key(const call& call, const services& services);

// import_routes.cpp
step start_import(const call& call, const services& services);
step get_import(const call& call, const services& services);

// test_routes.cpp
step list_test_payments(const call& call, const services& services);
step authenticate_test_payment(const call& call, const services& services);
step crash_entity(const call& call, const services& services);

// admin_routes.cpp
step show_tree(const call& call, const services& services);
step show_status(const call& call, const services& services);
step show_quarantine(const call& call, const services& services);
step show_cluster(const call& call, const services& services);
step show_digest(const call& call, const services& services);
step order_cluster(const call& call, const services& services);

// api_routes.cpp
step show_api(const call& call, const services& services);
step show_api_page(const call& call, const services& services);

}  // namespace souk::gateway
