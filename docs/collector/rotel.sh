#!/bin/sh
# rotel, a small collector (`pip install rotel==0.0.1a15`; the package of this name in Rust's registry is another program), from
# trails to Kafka. tests/otlp_peers.rs runs it with these arguments, over HTTP and over gRPC.
#
# What its 200 is worth: the records are in memory. Where the broker is away it goes on to answer 200, and tries again; killed in
# that state it loses them. Keep the journal.
exec "${ROTEL:-rotel}" start \
    --otlp-http-endpoint "${HTTP:-127.0.0.1:4318}" \
    --otlp-grpc-endpoint "${GRPC:-127.0.0.1:4317}" \
    --exporter kafka \
    --kafka-exporter-brokers "${BROKERS:-127.0.0.1:9092}" \
    --kafka-exporter-logs-topic "${TOPIC:-audit}" \
    --kafka-exporter-format protobuf \
    --kafka-exporter-compression none
