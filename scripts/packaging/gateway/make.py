#!/usr/bin/env python3
"""Writes Envoy's configuration for a file of tenants.

Usage: make.py TENANTS.toml > envoy.json && envoy --mode validate -c envoy.json
"""
import json, sys, tomllib

TYPE = "type.googleapis.com/envoy."
# Retries: three, 200 ms for the first and doubling. Envoy draws each wait between nothing and that, where the reference design adds up to 50 ms: its
# spread cannot be set. What was not sent may be sent again, whatever it is; a read also when its answer did not come.
RETRY = {"num_retries": 3, "retry_back_off": {"base_interval": "0.2s", "max_interval": "2s"}}
ANY = {**RETRY, "retry_on": "connect-failure,refused-stream"}
READ = {**RETRY, "retry_on": "connect-failure,refused-stream,reset-before-request,gateway-error", "per_try_timeout": "5s"}
# Of a pair the other one is asked the next time, not the one that refused.
OTHER = {"host_selection_retry_max_attempts": "5", "retry_host_predicate": [{"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {
    "@type": TYPE + "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"}}]}
ANSWER = "15s"
# A stream or a dashboard is quiet for an hour at most.
QUIET = "3600s"
# Whose answers fail five times in a row is asked nothing for 30 s. What is no answer, since the node is gone or begins anew, is the health checks'
# matter: they say within half a second when it is back.
BREAKER = {"consecutive_5xx": 5, "enforcing_consecutive_5xx": 100, "consecutive_gateway_failure": 0, "enforcing_success_rate": 0,
           "split_external_local_origin_errors": True, "enforcing_consecutive_local_origin_failure": 0,
           "enforcing_local_origin_success_rate": 0, "successful_active_health_check_uneject_host": False,
           "interval": "0.5s", "base_ejection_time": "30s", "max_ejection_time": "30s", "max_ejection_percent": 100}


def answered(status):
    return {"http_response_headers_match": {"headers": [{"name": ":status", "string_match": {"exact": status}}]}}


# A failure of the breaker's: a node that says when to come again (a closed vault, its own limits) is no failing one.
SAYS_WHEN = {"http_response_headers_match": {"headers": [{"name": "retry-after", "present_match": True}]}}
FAILS = {"or_match": {"rules": [answered("500"), answered("502"), answered("504"),
                                {"and_match": {"rules": [answered("503"), {"not_match": SAYS_WHEN}]}}]}}


def typed(name, kind, **more):
    return {"name": name, "typed_config": {"@type": TYPE + kind, **more}}


def address(text):
    host, _, port = text.rpartition(":")
    return {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}}


def places(told):
    """One address, or the two of a pair."""
    return told if isinstance(told, list) else [told]


def policy(retry, tenant):
    return {**retry, **OTHER} if len(places(tenant["api"])) > 1 else retry


def bucket(per_minute):
    """A second's worth at once, filled ten times a second."""
    tenth = max(1, round(per_minute / 600))
    return {"max_tokens": tenth * 10, "tokens_per_fill": tenth, "fill_interval": "0.1s"}


def limits(told):
    return {"@type": TYPE + "extensions.filters.http.local_ratelimit.v3.LocalRateLimit", "stat_prefix": "tenant",
            "status": {"code": "TooManyRequests"}, **{name: {"default_value": {"numerator": 100}} for name in ("filter_enabled", "filter_enforced")},
            "token_bucket": bucket(told["tenant_per_minute"]),
            "rate_limits": [{"actions": [{"remote_address": {}}]}],
            "descriptors": [{"entries": [{"key": "remote_address"}], "token_bucket": bucket(told["caller_per_minute"])}],
            "max_dynamic_descriptors": 20000,
            "response_headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}]}


def host(tenant, told):
    api, identity = f"{tenant['name']}-api", f"{tenant['name']}-identity"
    long = {"cluster": api, "timeout": "0s", "idle_timeout": QUIET}
    reads = [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}]
    routes = [
        {"name": "stream", "match": {"path": "/v1/stream"}, "route": long},
        {"name": "dashboard", "match": {"prefix": "/s/"}, "route": long},
        {"name": "read", "match": {"prefix": "/", "headers": reads}, "route": {"cluster": api, "timeout": ANSWER, "retry_policy": policy(READ, tenant)}},
        {"name": "write", "match": {"prefix": "/"}, "route": {"cluster": api, "timeout": ANSWER}},
    ]
    if "identity" in tenant:
        routes.insert(0, {"name": "identity", "match": {"prefix": "/identity/"}, "route": {"cluster": identity, "timeout": ANSWER}})
    return {"name": tenant["name"], "domains": [tenant["host"], f"{tenant['host']}:*"], "retry_policy": policy(ANY, tenant), "routes": routes,
            "typed_per_filter_config": {"envoy.filters.http.local_ratelimit": limits(told)}}


def looked_at(path, statuses):
    """Three looks of 500 ms, also where nobody was asked yet. Any answer but these says at once that it is not to be asked."""
    return [{"timeout": "0.5s", "interval": "0.5s", "no_traffic_interval": "0.5s", "unhealthy_threshold": 3, "healthy_threshold": 1,
             "http_health_check": {"path": path, "expected_statuses": [dict(zip(("start", "end"), statuses))]}}]


def cluster(name, told, most, tenant, checked):
    hosts = places(told)
    made = {"name": name, "type": "STATIC", "connect_timeout": "0.25s", "per_connection_buffer_limit_bytes": 65536,
            "circuit_breakers": {"thresholds": [{"max_connections": most, "max_pending_requests": most, "max_requests": 4 * most, "max_retries": 16}]},
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(place)}} for place in hosts]}]}}
    if checked:
        # The node says by itself whether it can serve, of a pair whether it acts.
        protocol = {"@type": TYPE + "extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http_protocol_options": {}},
                    "outlier_detection": {"error_matcher": FAILS}}
        made |= {"outlier_detection": BREAKER, "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
                 "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
                 "health_checks": looked_at("/acting" if len(hosts) > 1 else "/readyz", (200, 201))}
    elif len(hosts) > 1:
        # Whoever asks there without a login is told 401 by the one that acts, 503 by the other.
        made |= {"common_lb_config": {"healthy_panic_threshold": {"value": 0}}, "health_checks": looked_at("/identity/me", (200, 500))}
    if checked and "ca" in tenant:
        name = tenant["api_name"]
        names = [{"san_type": "DNS", "matcher": {"exact": name}}]
        context = {"trusted_ca": {"filename": tenant["ca"]}, "match_typed_subject_alt_names": names}
        made["transport_socket"] = typed("envoy.transport_sockets.tls", "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                                         sni=name, common_tls_context={"validation_context": context})
    return made


def made(told):
    tenants, most = told["tenant"], told["limits"]
    # A family's link is an address, and an address is never logged: the route is named, not the path.
    log = {"at": "%START_TIME%", "host": "%REQ(:AUTHORITY)%", "route": "%ROUTE_NAME%", "method": "%REQ(:METHOD)%",
           "status": "%RESPONSE_CODE%", "why": "%RESPONSE_FLAGS%", "ms": "%DURATION%", "sent": "%BYTES_SENT%"}
    manager = typed(
        "envoy.filters.network.http_connection_manager", "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="public", codec_type="AUTO", use_remote_address=True, normalize_path=True, merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST", request_headers_timeout="10s", stream_idle_timeout="300s", max_request_headers_kb=32,
        common_http_protocol_options={"idle_timeout": "300s", "headers_with_underscores_action": "REJECT_REQUEST"},
        http2_protocol_options={"max_concurrent_streams": 128, "initial_stream_window_size": 65536, "initial_connection_window_size": 1048576},
        upgrade_configs=[{"upgrade_type": "websocket"}],
        access_log=[typed("envoy.access_loggers.stdout", "extensions.access_loggers.stream.v3.StdoutAccessLog", log_format={"json_format": log})],
        http_filters=[typed("envoy.filters.http.local_ratelimit", "extensions.filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="none"),
                      typed("envoy.filters.http.router", "extensions.filters.http.router.v3.Router")],
        # Who names no tenant gets nothing.
        route_config={"name": "tenants", "virtual_hosts": [host(tenant, most) for tenant in tenants]})
    own = {"certificate_chain": {"filename": told["certificate"]}, "private_key": {"filename": told["key"]}}
    tls = typed("envoy.transport_sockets.tls", "extensions.transport_sockets.tls.v3.DownstreamTlsContext", common_tls_context={
        "alpn_protocols": ["h2", "http/1.1"], "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"}, "tls_certificates": [own]})
    listener = {"name": "public", "address": address(told["listen"]), "per_connection_buffer_limit_bytes": 65536,
                "filter_chains": [{"transport_socket_connect_timeout": "10s", "transport_socket": tls, "filters": [manager]}]}
    clusters = [cluster(f"{one['name']}-api", one["api"], 1024, one, True) for one in tenants]
    clusters += [cluster(f"{one['name']}-identity", one["identity"], 128, one, False) for one in tenants if "identity" in one]
    monitor = typed("envoy.resource_monitors.global_downstream_max_connections",
                    "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=most["connections"])
    return {"admin": {"address": address(told["admin"])}, "overload_manager": {"resource_monitors": [monitor]},
            "static_resources": {"listeners": [listener], "clusters": clusters}}


if len(sys.argv) != 2:
    sys.exit(__doc__)
with open(sys.argv[1], "rb") as file:
    json.dump(made(tomllib.load(file)), sys.stdout, indent=1)
