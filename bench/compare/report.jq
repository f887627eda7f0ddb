# From the runs of bench/compare/compare to medians, and from these to what must be shown.
# $size, $wide (clients that the targets speak of), $rounds, $seconds, $skus, $machine, $postgresql, $souk are given.
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def figure($name): map(.[$name] | values) | median;
def rounded($places): if . == null then null else (. * pow(10; $places) | round) / pow(10; $places) end;
# A figure that is missing makes what comes of it null.
def over($other): if . == null or $other == null or $other == 0 then null else . / $other end;

# In the order in which they were measured.
(to_entries | group_by([.value.side, .value.what, .value.clients]) | sort_by(.[0].key) | map(map(.value) | {
  side: .[0].side, what: .[0].what, clients: .[0].clients, runs: length,
  per_s: figure("per_s") | rounded(1),
  slowest_per_s: (map(.per_s) | min | rounded(1)), fastest_per_s: (map(.per_s) | max | rounded(1)),
  p50_ms: figure("p50_ms") | rounded(3), p99_ms: figure("p99_ms") | rounded(3),
  client_us: figure("client_us") | rounded(1), server_us: figure("server_us") | rounded(1), commits: figure("commits") | rounded(2)
})) as $medians
| def of($side; $what; $clients): [$medians[] | select(.side == $side and .what == $what and .clients == $clients)][0];
  def souk($what): of("souk"; $what; $wide);
  def postgresql($what): of("postgresql"; $what; $wide);
  def at_least($target): {value: rounded(3), at_least: $target, met: (if . == null then null else . >= $target end)};
  def below($target): {value: rounded(3), below: $target, met: (if . == null then null else . < $target end)};
  def item($number; $what): {item: $number, what: $what} + .;
{
  size: $size, machine: $machine, postgresql: $postgresql, souk: $souk, rounds: $rounds, seconds: $seconds, skus: $skus, clients: $wide,
  medians: $medians,
  must_show: [
    (souk("checkout").per_s | over(postgresql("one_call").per_s) | at_least(1.3) | item(1; "checkout call / PostgreSQL, one call")),
    (souk("checkout").per_s | over(postgresql("eight_statements").per_s) | at_least(3) | item(1; "checkout call / PostgreSQL, 8 statements")),
    (souk("checkout").p99_ms | below(20) | item(1; "checkout call, p99 in ms")),
    (souk("round").per_s | over(postgresql("one_call").per_s) | at_least(0.7) | item(2; "whole round / PostgreSQL, one call")),
    (souk("checkout_hot_10").per_s | over(souk("checkout").per_s) | at_least(0.9) | item(3; "one of 10 hot skus / any sku")),
    (souk("checkout_hot_10").p99_ms | below(30) | item(3; "one of 10 hot skus, p99 in ms")),
    (souk("checkout_hot_1").per_s | over(souk("checkout").per_s) | at_least(0.7) | item(3; "one hot sku for all / any sku")),
    (souk("add").per_s | over(postgresql("add").per_s) | at_least(1.3) | item(4; "add to cart / PostgreSQL")),
    (souk("get_wrk").per_s | over(of("nginx"; "get_wrk"; $wide).per_s) | at_least(0.7) | item(4; "get cart / nginx, static file") + {needs_nginx: true}),
    (of("souk"; "checkout"; 1).p50_ms | below(2) | item(5; "checkout call by itself, p50 in ms"))
  ],
  also: [
    {what: "PostgreSQL, one of 10 hot skus / any sku", value: (postgresql("one_call_hot_10").per_s | over(postgresql("one_call").per_s) | rounded(3))},
    {what: "PostgreSQL, one hot sku for all / any sku", value: (postgresql("one_call_hot_1").per_s | over(postgresql("one_call").per_s) | rounded(3))},
    {what: "PostgreSQL, one call with a key / without", value: (postgresql("keyed_call").per_s | over(postgresql("one_call").per_s) | rounded(3))},
    {what: "checkout call / PostgreSQL, with a key", value: (souk("checkout").per_s | over(postgresql("keyed_call").per_s) | rounded(3))},
    {what: "get cart / PostgreSQL", value: (souk("get").per_s | over(postgresql("get").per_s) | rounded(3))},
    {what: "commits per checkout call, 1 client, also after its answer", value: of("souk"; "checkout"; 1).commits}
  ]
}
