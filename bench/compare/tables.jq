# The report for readers: lines of columns, tabs between them.
def shown: if . == null then "-" else tostring end;
"\(.postgresql), Souk \(.souk); \(.machine)",
"medians of \(.rounds), \(.seconds) s each, \(.skus) skus; processor in us for each that was done",
"",
(["who, what, clients", "/s", "slowest", "fastest", "p50 ms", "p99 ms", "client us", "server us"] | @tsv),
(.medians[] | ["\(.side), \(.what), \(.clients)", .per_s, .slowest_per_s, .fastest_per_s, .p50_ms, .p99_ms, .client_us, .server_us] | map(shown) | @tsv),
"",
(["what must be shown, \(.clients) clients", "is", "target", ""] | @tsv),
(.must_show[] | ["\(.item). \(.what)", (.value | shown), (if .at_least then ">= \(.at_least)" else "< \(.below)" end),
  (if .met == null then "not measured" elif .met then "met" else "missed" end)] | @tsv),
"",
(.also[] | [.what, (.value | shown)] | @tsv)
