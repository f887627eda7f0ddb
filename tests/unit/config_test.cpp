#include "nodes/config/config.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace souk::config {
namespace {

using namespace std::chrono_literals;

std::string message_of(std::string_view text) {
  try {
    parse_settings(text, "f");
  } catch (const config_error& error) {
    return error.what();
  }
  return "accepted";
}

struct bad_file {
  std::string_view text;
  std::string_view message;
};

constexpr bad_file bad_files[] = {
    // What is not the syntax.
    {"# comment", "f:1: expected the name of a setting, found '#' (comments begin with ';')"},
    {"http {\n gateways = 2\n", "f:1: the '{' of this line is never closed"},
    {"\nnodes = [ { id = \"a\" }", "f:2: the '[' of this line is never closed"},
    {"http {} }", "f:1: expected the name of a setting, found '}'"},
    {"log { level = \"info }", "f:1: the text that begins here is never closed"},
    {"log { level = \"\\x\" }", "f:1: only \\n, \\t, \\\" and \\\\ are known after a backslash"},
    {"http.gateways = 2", "f:1: 'http.gateways': write nested settings in braces, as in a { b = 1 }"},
    {"http", "f:1: expected '=' or '{' after 'http', found the end of the file"},
    {"http =", "f:1: expected a value, found the end of the file"},
    {"http { gateways = }", "f:1: expected a value, found '}'"},
    {"[http]\ngateways = 2", "f:1: expected the name of a setting, found '['"},
    {"nodes=[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
     "f:1: nested deeper than 16 levels\nf:1: nodes[1] must be a section in braces"},
    // Values that cannot be read do not hide the rest.
    {"log { level = info }\nhttp { gateways = 1x }\nbogus = 1",
     "f:1: 'info' is not a value: text stands in quotes\n"
     "f:2: '1x': the units are ns us ms s min h d and B KiB MiB GiB TiB\n"
     "f:3: unknown setting bogus"},
    {"http { gateways = 99999999999999999999 }", "f:1: '99999999999999999999' is too large"},
    {"http { idle_timeout = 9999999999d }", "f:1: '9999999999d' is too large"},
    {"http { body_max = 99999999999TiB }", "f:1: '99999999999TiB' is too large"},
    {"http { body_max = -1MiB }", "f:1: '-1MiB': a size is not negative"},
    {"http { idle_timeout = 1.5s }", "f:1: '1.5s': settings are whole numbers"},
    {"http { gateways = - }", "f:1: '-' is not a number"},
    // Names.
    {"htp { gateways = 2 }", "f:1: unknown setting htp (did you mean http?)"},
    {"http { gateway = 2 }", "f:1: unknown setting http.gateway (did you mean http.gateways?)"},
    {"http {\n colour = \"red\"\n}", "f:2: unknown setting http.colour"},
    {"payments { test { ur = \"\" } }",
     "f:1: unknown setting payments.test.ur (did you mean payments.test.url?)"},
    {"nodes = [ { id = \"a\", ttp = \"127.0.0.1:1\" } ]",
     "f:1: unknown setting nodes[1].ttp (did you mean nodes[1].http?)"},
    {"log { level = \"info\"\n level = \"warn\" }", "f:2: 'level' is set twice, first on line 1"},
    {"log {}\n\nlog {}", "f:3: 'log' is set twice, first on line 1"},
    // Types.
    {"http { gateways = \"2\" }", "f:1: http.gateways must be a whole number, not text"},
    {"http { gateways = 2s }", "f:1: http.gateways must be a whole number, not a time"},
    {"http { idle_timeout = 75 }",
     "f:1: http.idle_timeout must be a time with its unit, as in 250ms or 15min, not a number without a "
     "unit"},
    {"http { body_max = 1s }", "f:1: http.body_max must be a size, as in 64MiB, not a time"},
    {"http { body_max = -1 }", "f:1: http.body_max must be a size, as in 64MiB, not a number without a unit"},
    {"http = 2", "f:1: http must be a section in braces, not a number without a unit"},
    {"http = [ ]", "f:1: http must be a section in braces, not a list"},
    {"log { level = true }", "f:1: log.level must be text in quotes, not true or false"},
    {"nodes { }", "f:1: nodes must be a list of sections in braces, not a section"},
    {"nodes = [ \"a\" ]", "f:1: nodes[1] must be a section in braces"},
    // Values that cannot be.
    {"http { gateways = 0 }", "f:1: http.gateways must be from 1 to 64"},
    {"cluster { shard_count = 1025 }", "f:1: cluster.shard_count must be from 1 to 1024"},
    {"http { idle_timeout = 0s }", "f:1: http.idle_timeout must be from 100ms to 1h"},
    {"http { idle_timeout = -5s }", "f:1: http.idle_timeout must be from 100ms to 1h"},
    {"http { idle_timeout = 1500001us }", "f:1: http.idle_timeout must be whole milliseconds"},
    {"http { body_max = 17MiB }", "f:1: http.body_max must be from 64KiB to 16MiB"},
    {"events { keep = 100000001 }", "f:1: events.keep must be from 0 to 100000000"},
    {"events { nats { url = \"nats://u:p@a:4222\" } }",
     "f:1: events.nats.url must be empty or as in \"nats://127.0.0.1:4222\" or \"tls://...\", up to 16 of "
     "one kind "
     "with commas between them"},
    {"events { nats { stream = \"a.b\" } }",
     "f:1: events.nats.stream must be 1 to 32 of a-z, A-Z, 0-9, \"-\" and \"_\""},
    {"events { nats { prefix = \"a.>\" } }",
     "f:1: events.nats.prefix must be names with dots between them, as in \"shop.events\""},
    {"events { nats { create = 1 } }",
     "f:1: events.nats.create must be true or false, not a number without a unit"},
    {"events { nats { user = \"u\" } }", "f:1: events.nats needs both user and password_file, or neither"},
    {"events { nats { user = \"u\" password_file = \"p\" credentials = \"c\" } }",
     "f:1: events.nats takes a user or credentials, not both"},
    {"events { nats { key = \"k\" } }", "f:1: events.nats needs both certificate and key, or neither"},
    {"events { nats { url = \"nats://a:1\" ca = \"c\" } }",
     "f:1: events.nats.certificate and ca are for a url of tls://"},
    {"events { nats { subject = \"a\" } }", "f:1: unknown setting events.nats.subject"},
    {"storage { disk_reserve = 2TiB }", "f:1: storage.disk_reserve must be from 0B to 1TiB"},
    {"log { access { file = \"x\" } }\nnodes = [{ id = \"a\" }, { id = \"b\" data = \"b\" http = "
     "\"127.0.0.1:1\" "
     "admin = \"127.0.0.1:2\" }]",
     "f:1: log.access.file needs {node} in it: nodes must not write to one file"},
    {"http { trusted_proxies = [\"10.0.0.1/8\", \"proxy\"] }",
     "f:1: http.trusted_proxies must be addresses and networks, as in \"10.0.0.0/8\", not \"10.0.0.1/8\"\n"
     "f:1: http.trusted_proxies must be addresses and networks, as in \"10.0.0.0/8\", not \"proxy\""},
    {"webhooks {\n allowed_networks = [\n \"10.1.0.0/16\",\n \"10.1.2.3/12\" ] }",
     "f:2: webhooks.allowed_networks must be addresses and networks, as in \"10.0.0.0/8\", not "
     "\"10.1.2.3/12\""},
    {"nodes = [{ id = \"a\" proxied = \"127.0.0.1:9000\" }]",
     "f:1: node a has proxied, which needs http.trusted_proxies: who may say whose a connection is"},
    {"nodes = [{ id = \"a\" marketplace = \"127.0.0.1:8080\" }]",
     "f:1: node a has marketplace at the address of another"},
    {"telemetry { otlp { url = \"http://collector/v1/traces\" one_of = 0 } }",
     "f:1: telemetry.otlp.url must be empty or as in \"http://127.0.0.1:4318/v1/traces\"\n"
     "f:1: telemetry.otlp.one_of must be from 1 to 1000000"},
    {"log { access { file_max = 1KiB files = 0 one_of = 0 } }",
     "f:1: log.access.file_max must be from 1MiB to 16GiB\nf:1: log.access.files must be from 1 to 1000\n"
     "f:1: log.access.one_of must be from 1 to 1000000"},
    {"log { format = \"xml\" }", "f:1: log.format must be one of \"auto\", \"text\", \"json\""},
    {"cluster { name = \"My Shop\" }", "f:1: cluster.name must be 1 to 64 characters of a-z, 0-9, - and _"},
    {"nodes = [ { id = \"\" } ]", "f:1: nodes[1].id must be 1 to 32 characters of a-z, 0-9, - and _"},
    {"nodes = [ { id = \"a\", http = \"localhost:80\" } ]",
     "f:1: nodes[1].http must be an IP address and a port, as in \"127.0.0.1:8080\""},
    {"nodes = [ { id = \"a\", http = \"127.0.0.1:70000\" } ]",
     "f:1: nodes[1].http must be an IP address and a port, as in \"127.0.0.1:8080\""},
    {"payments { test { url = \"https://pay.example\" } }",
     "f:1: payments.test.url must be empty or as in \"http://127.0.0.1:9090\""},
    // Settings that do not go together.
    {"nodes = [ ]", "f:1: nodes must name at least one node"},
    {"nodes = [ { data = \"d\" } ]", "f:1: a node needs an id"},
    {"nodes = [ { id = \"a\", data = \"\" } ]", "f:1: a node's data must name a folder"},
    {"nodes = [ { id = \"a\", admin = \"127.0.0.1:8080\" } ]",
     "f:1: node a has http and admin at the same address"},
    {"nodes = [ { id = \"a\", data = \"x\" http = \"127.0.0.1:1\" admin = \"127.0.0.1:2\" }\n"
     "{ id = \"a\", data = \"./x/\" http = \"127.0.0.1:3\" admin = \"127.0.0.1:2\" } ]",
     "f:1: two nodes have the id a\nf:1: nodes a and a both listen at 127.0.0.1:2"},
    {"nodes = [ { id = \"a\" http = \"[::1]:0\" admin = \"[::1]:0\" }\n"
     "{ id = \"b\", data = \"./x/../data\" http = \"[::1]:0\" admin = \"[::1]:0\" } ]",
     "f:1: nodes a and b have the same data folder"},
    {"storage { map_initial = 1GiB\n journal_max = 512MiB }",
     "f:2: storage.map_initial is above storage.journal_max"},
    {"payments { timeout = 10s }",
     "f:1: http.request_deadline must be longer than payments.timeout: a silent provider could never be "
     "asked in "
     "time"},
    {"cluster { min_in_sync = 4 }", "f:1: cluster.min_in_sync is above cluster.replicas"},
    {"cluster { node_lease = 2500ms }", "f:1: cluster.node_lease must be whole seconds"},
    {"cluster { node_lease = 1s }", "f:1: cluster.node_lease must be from 2s to 1min"},
    {"cluster { coordinator = \"etcd\" }",
     "f:1: cluster.etcd.endpoints must name at least one member of etcd\n"
     "f:1: payments.test.url must name the one provider of all nodes: see souk test-provider"},
    {"cluster { etcd { endpoints = [\"x\"] } }",
     "f:1: cluster.etcd.endpoints must be hosts with ports, as in \"127.0.0.1:2379\", not \"x\""},
    {"cluster { etcd { endpoints = [2379] } }",
     "f:1: cluster.etcd.endpoints must be a list of texts in quotes"},
    {"cluster { etcd { endpoints = \"x:1\" } }",
     "f:1: cluster.etcd.endpoints must be a list of texts in quotes, not text"},
    {"cluster { etcd { key = \"k\" } }", "f:1: cluster.etcd needs all of certificate, key and ca, or none"},
    {"cluster {\n tls { ca = \"c\"\n certificate = \"d\" } }",
     "f:3: cluster.tls needs all of certificate, key and ca, or none"},
    {"cluster {\n coordinator = \"etcd\"\n etcd { endpoints = [\"h:1\"] } }\nnodes = [ { id = \"a\" } ]\n"
     "payments { test { url = \"http://127.0.0.1:1\" } }",
     "f:4: node a needs a link, where the other nodes reach it"},
    {"nodes = [ { id = \"a\", link = \"8082\" } ]",
     "f:1: a node's link must be a host with a port, as in \"127.0.0.1:8082\""},
    {"nodes = [ { id = \"a\" link = \"h:1\" }\n"
     "{ id = \"b\" data = \"d\" http = \"[::1]:0\" admin = \"[::1]:0\" link = \"h:1\" } ]",
     "f:1: nodes a and b have the same link h:1"},
    {"http {\n tls { certificate = \"c\" } }", "f:2: http.tls needs both certificate and key"},
    {"http { tls { certificate = \"c\" key = \"k\"\n others = [ { key = \"k\" }\n { } ] } }",
     "f:2: each of http.tls.others needs both certificate and key\n"
     "f:2: each of http.tls.others needs both certificate and key"},
    {"http { tls {\n others = [ { certificate = \"c\" key = \"k\" } ] } }",
     "f:2: http.tls.others needs http.tls.certificate and key too"},
    {"http { tls {\n handshake_timeout = 10ms } }",
     "f:2: http.tls.handshake_timeout must be from 100ms to 10min"},
    {"\nnodes = [ { id = \"a\" https = \"127.0.0.1:8443\" } ]",
     "f:2: node a has https, which needs http.tls with certificate and key"},
    {"http { tls { certificate = \"c\" key = \"k\" } }\n"
     "nodes = [ { id = \"a\"\n https = \"127.0.0.1:8080\" } ]",
     "f:3: node a has https at the address of another"},
    {"auth {\n jwks = \"k\"\n issuer = \"i\" }", "f:3: auth needs all of jwks, issuer and audience, or none"},
    {"auth { audience = \"a\"\n reload_interval = 1ms }",
     "f:1: auth needs all of jwks, issuer and audience, or none\n"
     "f:2: auth.reload_interval must be from 100ms to 1h"},
    {"cart { ttl = 5min }", "f:1: checkout.hold_ttl must be shorter than cart.ttl"},
};

TEST(config, every_bad_file_is_refused_with_its_lines) {
  for (const bad_file& bad : bad_files)
    EXPECT_EQ(message_of(bad.text), bad.message) << bad.text;
}

TEST(config, all_problems_of_a_file_are_named_at_once_in_its_order) {
  EXPECT_EQ(
      message_of("log {\n  level = \"loud\"\n}\nhttp {\n  gateways = 0\n  gatways = 1\n  body_max = oops\n}"),
      "f:2: log.level must be one of \"trace\", \"debug\", \"info\", \"warn\", \"error\"\n"
      "f:5: http.gateways must be from 1 to 64\n"
      "f:6: unknown setting http.gatways (did you mean http.gateways?)\n"
      "f:7: 'oops' is not a value: text stands in quotes");
}

TEST(config, an_empty_file_gives_the_defaults) {
  const settings read = parse_settings("; nothing but a comment", "f");
  EXPECT_EQ(read.cluster.shard_count, 16);
  ASSERT_EQ(read.nodes.size(), 1u);
  EXPECT_EQ(read.nodes[0].id, "a");
  EXPECT_EQ(read.nodes[0].http, (endpoint{"127.0.0.1", 8080}));
  EXPECT_EQ(read.checkout.hold_ttl, 15min);
  EXPECT_EQ(read.cart.ttl, 30 * 24h);
  EXPECT_EQ(read.payments.timeout, 2s);
}

TEST(config, every_setting_reaches_its_place) {
  const settings read = parse_settings(R"(
    cluster { name = "bazaar", shard_count = 4 coordinator = "etcd" replicas = 5 min_in_sync = 3 node_lease = 4s
              etcd { endpoints = ["h:1", "[::1]:2"] certificate = "c" key = "k" ca = "a" }
              tls { certificate = "certs/{node}.pem" key = "certs/{node}.key" ca = "certs/ca.pem" } }
    nodes = [
      { id = "n1" data = "/srv/n1" http = "0.0.0.0:80" https = "0.0.0.0:443"
        admin = "127.0.0.1:81" marketplace = "127.0.0.1:83" link = "shop-1:82" },
      { id = "n2", data = "/srv/n2", http = "[::1]:0", admin = "[::1]:0", link = "[::1]:0" },
    ]
    http { head_max = 8KiB body_max = 2097152 import_max = 1GiB connections_max = 50
           connections_per_address_max = 7 pipeline_max = 3
           head_timeout = 1s body_timeout = 2s idle_timeout = 3s write_timeout = 4s request_deadline = 5s gateways = 6
           tls { certificate = "{node}/s.pem" key = "s.key" others = [ { certificate = "o.pem" key = "{node}.key" } ]
                 handshake_timeout = 6s reload_interval = 7s hsts = 8s } }
    limits { window = 1min delay_target = 80ms clients_max = 100 address { browse = 1 cart = 2 checkout = 3 admin = 4 }
             credential { browse = 5 cart = 6 checkout = 7 admin = 8 }
             tenant { browse = 9 cart = 10 checkout = 11 admin = 12 }
             customer { units_per_sku = 9 checkouts = 10 } guest { units_per_sku = 11 checkouts = 12 } }
    auth { jwks = "keys.json" issuer = "https://id.example" audience = "souk" reload_interval = 9s }
    events { keep = 5000 streams = 9
             nats { url = "tls://a:1,tls://b:2" stream = "SHOP" prefix = "shop.events" create = false
                    duplicate_window = 5min replicas = 3 credentials = "{node}.creds" ca = "ca.pem"
                    certificate = "{node}.pem" key = "{node}.key" } }
    storage { map_initial = 2MiB journal_max = 32MiB state_max = 48MiB disk_reserve = 0 flush_interval = 250ms
              flush_bytes = 1MiB }
    entities = { max_active = 100 idle_timeout = 1h queue_max = 7 }   ; with "=" too
    checkout { hold_ttl = 2s authentication_time = 3s }
    cart { ttl = 1d }
    payments { timeout = 300ms test { url = "http://127.0.0.1:9090" ledger = "/tmp/\"l\"" } }
    log { level = "debug" format = "json" access { file = "/log/{node}" file_max = 2MiB files = 3 one_of = 4 } }
    telemetry { otlp { url = "http://[::1]:4318/v1/traces" one_of = 50 } }
    scheduler { threads = 8 }
    process { user = "souk" })",
                                       "f");
  EXPECT_EQ(read.cluster.name, "bazaar");
  EXPECT_EQ(read.cluster.shard_count, 4);
  EXPECT_EQ(read.cluster.coordinator, "etcd");
  EXPECT_EQ(read.cluster.replicas, 5);
  EXPECT_EQ(read.cluster.min_in_sync, 3);
  EXPECT_EQ(read.cluster.node_lease, 4s);
  EXPECT_EQ(read.cluster.etcd.endpoints, (std::vector<std::string>{"h:1", "[::1]:2"}));
  EXPECT_EQ(read.nodes[0].https, (endpoint{"0.0.0.0", 443}));
  EXPECT_EQ(read.nodes[1].https, std::nullopt);
  EXPECT_EQ(of_node(read.http.tls.main, "n1").certificate, "n1/s.pem");
  EXPECT_EQ(read.http.tls.main.key, "s.key");
  ASSERT_EQ(read.http.tls.others.size(), 1u);
  EXPECT_EQ(read.http.tls.others[0].certificate, "o.pem");
  EXPECT_EQ(of_node(read.http.tls.others[0], "n2").key, "n2.key");
  EXPECT_EQ(read.http.tls.handshake_timeout, 6s);
  EXPECT_EQ(read.http.tls.reload_interval, 7s);
  EXPECT_EQ(read.http.tls.hsts, 8s);
  EXPECT_EQ(read.cluster.etcd.tls.certificate, "c");
  EXPECT_EQ(read.cluster.etcd.tls.key, "k");
  EXPECT_EQ(read.cluster.etcd.tls.ca, "a");
  EXPECT_EQ(of_node(read.cluster.tls, "n1").certificate, "certs/n1.pem");
  EXPECT_EQ(of_node(read.cluster.tls, "n2").key, "certs/n2.key");
  EXPECT_EQ(of_node(read.cluster.tls, "n2").ca, "certs/ca.pem");
  ASSERT_EQ(read.nodes.size(), 2u);
  EXPECT_EQ(read.nodes[0].id, "n1");
  EXPECT_EQ(read.nodes[0].data, "/srv/n1");
  EXPECT_EQ(read.nodes[0].http, (endpoint{"0.0.0.0", 80}));
  EXPECT_EQ(read.nodes[0].admin, (endpoint{"127.0.0.1", 81}));
  EXPECT_EQ(read.nodes[0].marketplace, (endpoint{"127.0.0.1", 83}));
  EXPECT_EQ(read.nodes[1].marketplace, std::nullopt);
  EXPECT_EQ(read.nodes[0].link, "shop-1:82");
  EXPECT_EQ(read.nodes[1].http, (endpoint{"::1", 0}));
  EXPECT_EQ(read.nodes[1].link, "[::1]:0");
  EXPECT_EQ(read.http.head_max, 8u << 10);
  EXPECT_EQ(read.http.body_max, 2u << 20);
  EXPECT_EQ(read.http.import_max, 1u << 30);
  EXPECT_EQ(read.http.connections_max, 50u);
  EXPECT_EQ(read.http.connections_per_address_max, 7u);
  EXPECT_EQ(read.http.pipeline_max, 3u);
  EXPECT_EQ(read.http.head_timeout, 1s);
  EXPECT_EQ(read.http.body_timeout, 2s);
  EXPECT_EQ(read.http.idle_timeout, 3s);
  EXPECT_EQ(read.http.write_timeout, 4s);
  EXPECT_EQ(read.http.request_deadline, 5s);
  EXPECT_EQ(read.http.gateways, 6);
  EXPECT_EQ(read.limits.window, 1min);
  EXPECT_EQ(read.limits.delay_target, 80ms);
  EXPECT_EQ(read.limits.clients_max, 100u);
  EXPECT_EQ(read.limits.address.browse, 1u);
  EXPECT_EQ(read.limits.address.cart, 2u);
  EXPECT_EQ(read.limits.address.checkout, 3u);
  EXPECT_EQ(read.limits.address.admin, 4u);
  EXPECT_EQ(read.limits.credential.browse, 5u);
  EXPECT_EQ(read.limits.credential.cart, 6u);
  EXPECT_EQ(read.limits.credential.checkout, 7u);
  EXPECT_EQ(read.limits.credential.admin, 8u);
  EXPECT_EQ(read.limits.tenant.browse, 9u);
  EXPECT_EQ(read.limits.tenant.cart, 10u);
  EXPECT_EQ(read.limits.tenant.checkout, 11u);
  EXPECT_EQ(read.limits.tenant.admin, 12u);
  EXPECT_EQ(read.limits.customer.units_per_sku, 9u);
  EXPECT_EQ(read.limits.customer.checkouts, 10u);
  EXPECT_EQ(read.limits.guest.units_per_sku, 11u);
  EXPECT_EQ(read.limits.guest.checkouts, 12u);
  EXPECT_EQ(read.auth.jwks, "keys.json");
  EXPECT_EQ(read.auth.issuer, "https://id.example");
  EXPECT_EQ(read.auth.audience, "souk");
  EXPECT_EQ(read.auth.reload_interval, 9s);
  EXPECT_EQ(read.auth.line, 19u);
  EXPECT_EQ(read.storage.map_initial, 2u << 20);
  EXPECT_EQ(read.storage.journal_max, 32u << 20);
  EXPECT_EQ(read.storage.state_max, 48u << 20);
  EXPECT_EQ(read.storage.disk_reserve, 0u);
  EXPECT_EQ(read.storage.flush_interval, 250ms);
  EXPECT_EQ(read.storage.flush_bytes, 1u << 20);
  EXPECT_EQ(read.events.keep, 5000u);
  EXPECT_EQ(read.events.streams, 9u);
  const auto nats = of_node(read.events.nats, "x");
  EXPECT_EQ(nats.servers, (std::vector<std::string>{"tls://a:1", "tls://b:2"}));
  EXPECT_EQ(nats.stream, "SHOP");
  EXPECT_EQ(nats.prefix, "shop.events");
  EXPECT_FALSE(nats.create);
  EXPECT_EQ(nats.duplicate_window, 5min);
  EXPECT_EQ(nats.replicas, 3u);
  EXPECT_EQ(nats.credentials, "x.creds");
  EXPECT_EQ(nats.ca, "ca.pem");
  EXPECT_EQ(nats.certificate, "x.pem");
  EXPECT_EQ(nats.key, "x.key");
  EXPECT_EQ(read.entities.max_active, 100u);
  EXPECT_EQ(read.entities.idle_timeout, 1h);
  EXPECT_EQ(read.entities.queue_max, 7u);
  EXPECT_EQ(read.checkout.hold_ttl, 2s);
  EXPECT_EQ(read.checkout.authentication_time, 3s);
  EXPECT_EQ(read.cart.ttl, 24h);
  EXPECT_EQ(read.payments.timeout, 300ms);
  EXPECT_EQ(read.payments.test.url, "http://127.0.0.1:9090");
  EXPECT_EQ(read.payments.test.ledger, "/tmp/\"l\"");
  EXPECT_EQ(read.log.level, "debug");
  EXPECT_EQ(read.log.format, "json");
  EXPECT_EQ(of_node(read.log.access.file, "n1"), "/log/n1");
  EXPECT_EQ(read.log.access.file_max, 2u << 20);
  EXPECT_EQ(read.log.access.files, 3u);
  EXPECT_EQ(read.log.access.one_of, 4u);
  ASSERT_TRUE(read.telemetry.otlp);
  EXPECT_EQ(read.telemetry.otlp->host, "::1");
  EXPECT_EQ(read.telemetry.otlp->port, 4'318);
  EXPECT_EQ(read.telemetry.otlp->path, "/v1/traces");
  EXPECT_EQ(read.telemetry.one_of, 50u);
  EXPECT_EQ(read.scheduler.threads, 8);
  EXPECT_EQ(read.process.user, "souk");
}

TEST(config, the_shipped_file_loads_and_holds_a_cluster_and_the_defaults) {
  const settings shipped = load_settings("cluster.conf");
  const settings defaults;
  EXPECT_EQ(shipped.cluster.shard_count, defaults.cluster.shard_count);
  EXPECT_TRUE(shipped.cluster.clustered());
  EXPECT_TRUE(shipped.cluster.tls.given());
  EXPECT_TRUE(shipped.cluster.etcd.tls.given());
  EXPECT_EQ(shipped.cluster.replicas, defaults.cluster.replicas);
  EXPECT_EQ(shipped.nodes.size(), 4u);
  EXPECT_EQ(shipped.cluster.node_lease, defaults.cluster.node_lease);
  EXPECT_EQ(shipped.nodes[0].http, defaults.nodes[0].http);
  EXPECT_EQ(shipped.nodes[0].admin, defaults.nodes[0].admin);
  EXPECT_EQ(shipped.http.import_max, defaults.http.import_max);
  EXPECT_EQ(shipped.http.write_timeout, defaults.http.write_timeout);
  EXPECT_FALSE(shipped.nodes[0].https.has_value());
  EXPECT_FALSE(shipped.http.tls.given());
  EXPECT_EQ(shipped.http.tls.handshake_timeout, defaults.http.tls.handshake_timeout);
  EXPECT_EQ(shipped.http.tls.reload_interval, defaults.http.tls.reload_interval);
  EXPECT_EQ(shipped.http.tls.hsts, defaults.http.tls.hsts);
  EXPECT_FALSE(shipped.auth.given());
  EXPECT_EQ(shipped.auth.reload_interval, defaults.auth.reload_interval);
  EXPECT_EQ(shipped.storage.state_max, defaults.storage.state_max);
  EXPECT_EQ(shipped.entities.max_active, defaults.entities.max_active);
  EXPECT_EQ(shipped.cart.ttl, defaults.cart.ttl);
  EXPECT_EQ(shipped.log.format, defaults.log.format);
  EXPECT_EQ(shipped.log.access.file, defaults.log.access.file);
  EXPECT_EQ(shipped.log.access.file_max, defaults.log.access.file_max);
  EXPECT_EQ(shipped.log.access.files, defaults.log.access.files);
  EXPECT_EQ(shipped.log.access.one_of, defaults.log.access.one_of);
}

TEST(config, a_file_that_cannot_be_read_is_named) {
  for (const char* file : {"no/such.conf", "tests"}) {
    try {
      load_settings(file);
      ADD_FAILURE() << "accepted " << file;
    } catch (const config_error& error) {
      EXPECT_EQ(error.what(), std::string{file} + ": cannot be read");
    }
  }
}

TEST(config, the_command_line_overrides_the_chosen_node) {
  const settings two = parse_settings(
      "nodes = [ { id = \"a\" } { id = \"b\" data = \"d\" http = \"127.0.0.1:1\" admin = \"127.0.0.1:2\" } ]",
      "f");
  const node_settings node = choose_node(two, {"b", "/tmp/x", "127.0.0.1:0", "[::1]:9", "h:7"});
  EXPECT_EQ(node.id, "b");
  EXPECT_EQ(node.data, "/tmp/x");
  EXPECT_EQ(node.http, (endpoint{"127.0.0.1", 0}));
  EXPECT_EQ(node.admin, (endpoint{"::1", 9}));
  EXPECT_EQ(node.link, "h:7");
  EXPECT_EQ(choose_node(settings{}, {}).id, "a");
}

TEST(config, a_command_line_that_cannot_be_is_refused) {
  const settings one;
  settings two;
  two.nodes.push_back({"b", "other", {}, {}, {}});
  const auto refusal = [](const settings& settings, const overrides& overrides) -> std::string {
    try {
      choose_node(settings, overrides);
    } catch (const config_error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(one, {"c", {}, {}, {}, {}}), "--node: no node c is configured");
  EXPECT_EQ(refusal(two, {}), "--node: must say which of the 2 nodes to run");
  EXPECT_EQ(refusal(one, {{}, "", {}, {}, {}}), "--data: must name a folder");
  EXPECT_EQ(refusal(one, {{}, {}, "8080", {}, {}}),
            "--http: must be an IP address and a port, as in 127.0.0.1:8080, not 8080");
  EXPECT_EQ(refusal(one, {{}, {}, "127.0.0.1:8081", {}, {}}),
            "--http: is the same address as --admin: 127.0.0.1:8081");
  EXPECT_EQ(refusal(one, {{}, {}, {}, {}, "8082"}),
            "--link: must be a host and a port, as in 127.0.0.1:8082, not 8082");
}

TEST(config, a_cluster_without_certificates_is_refused_but_for_tests_on_loopback) {
  const auto refusal = [](std::string_view tls, std::string_view etcd, std::string_view link,
                          bool insecure) -> std::string {
    const std::string text = "cluster { coordinator = \"etcd\" " + std::string{tls} + " etcd { " +
                             std::string{etcd} + " } }\nnodes = [ { id = \"a\" link = \"" +
                             std::string{link} + "\" } ]\npayments { test { url = \"http://127.0.0.1:1\" } }";
    const settings read = parse_settings(text, "f");
    try {
      refuse_unprotected(read, choose_node(read, {}), insecure);
    } catch (const config_error& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::string files = "certificate = \"c\" key = \"k\" ca = \"a\"";
  const std::string tls = "tls { " + files + " }";
  const std::string here = "endpoints = [\"127.0.0.1:2379\"]";
  const std::string remedy =
      " needs certificate, key and ca: souk certs init makes them; --insecure-loopback does without, on "
      "127.0.0.1 and for tests alone";
  EXPECT_EQ(refusal(tls, here + files, "shop-1:82", false), "accepted");
  EXPECT_EQ(refusal("", here + files, "127.0.0.1:0", false), "cluster.tls:" + remedy);
  EXPECT_EQ(refusal(tls, here, "127.0.0.1:0", false), "cluster.etcd:" + remedy);
  EXPECT_EQ(refusal("", here, "127.0.0.1:0", true), "accepted");
  EXPECT_EQ(refusal("", here, "shop-1:82", true),
            "--insecure-loopback: is for 127.0.0.1 alone, not for shop-1:82");
  EXPECT_EQ(refusal(tls, "endpoints = [\"etcd-1:2379\"]", "127.0.0.1:0", true),
            "--insecure-loopback: is for 127.0.0.1 alone, not for etcd-1:2379");
}

TEST(config, an_endpoint_reads_as_it_was_written) {
  for (const char* text : {"127.0.0.1:8080", "[::1]:0", "0.0.0.0:65535"}) {
    const auto read = parse_endpoint(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(to_string(*read), text);
  }
  for (const char* text :
       {"", ":80", "127.0.0.1", "127.0.0.1:", "::1:80", "[::1]", "1.2.3.4:+1", "1.2.3:1", "[]:1"})
    EXPECT_FALSE(parse_endpoint(text)) << text;
}

}  // namespace
}  // namespace souk::config
