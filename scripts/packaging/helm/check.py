#!/usr/bin/env python3
"""Renders the chart in several settings and holds every object against the schemas of Kubernetes 1.28 to 1.37.

Beside the schemas, what a reviewer would look for: no container may become root, write its image or take more memory than
it is given; probes are there; what is mounted is there; Services, rules and autoscaling meet the pods that they are meant for, and
no validator is scaled; settings that would lose or double a key are refused. Where the program envoy is, it judges the proxy's
configuration; with a built program (`check.py AULA`) that reads each config.toml.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

import helm_python as helm
import kubernetes_validate
import yaml

CHART = pathlib.Path(__file__).parent / "aula"
VERSIONS = [f"1.{minor}" for minor in range(28, 38)]
TLS = {"api": {"tlsSecret": "lake-tls"}}
CONFIG = '[district]\nlook_every_s = 30\n\n[lti]\nlisten = "127.0.0.1:8495"\nurl = "https://lake.example.org:9495"\n' \
         'platforms = "/var/lib/aula/home/secrets/lake-lti/platforms.toml"\n'
SECTIONS = {"quotas": {"requests_per_second": 2500, "vault_mib": 51200}, "district": {"anchor_every_s": 3600, "requests": "waits"},
            "alerts": {"deliver": ["board"], "quiet": "21:00-06:00"}, "lake": {"every_hours": 24},
            "sovereignty": {"place": [{"name": "county", "folders": ["/var/lib/aula"], "hosts": ["*.example.org"]}]},
            "delivery": [{"name": "board", "kind": "mail", "from": "Aula <aula@example.org>", "to": ["board@example.org"]}],
            "feed": [{"name": "devices", "kind": "mqtt", "broker": "mqtts://broker.example.org:8883",
                      "secret": "/var/lib/aula/home/secrets/lake-feeds/broker.toml", "topics": {"school/+/marks": "events", "a<b&\"": "frames"}},
                     {"name": "exports", "kind": "files", "folder": "/var/lib/aula/in"}]}
PARAMETERS = {"ledger": {"equity": 73}, "twin": {"engagement_low_e4": 3000, "engagement_low_ms": 259200000}, "twinFromYear": 2027}
PORTS = [{"name": "lti", "port": 9495, "to": 8495}, {"name": "identity", "port": 9496, "to": 8496},
         {"name": "xapi", "port": 9490, "to": 8490}]
SETTINGS = {
    "one node": TLS,
    "nothing said of pods": {**TLS, "scrapeAnnotations": False},
    "four for a trial": {**TLS, "replicas": 4, "genesis": {"existingConfigMap": "county", "peers": ["/dns/a/tcp/8481/p2p/X"]}},
    "keys taken over, by its digest": {
        **TLS, "keys": {"existingSecret": "lake-keys"}, "image": {"digest": "sha256:" + "0" * 64},
        "imagePullSecrets": [{"name": "registry"}], "persistence": {"storageClass": "fast"},
    },
    "reached from outside": {
        **TLS, "replicas": 2, "p2p": {"external": ["/dns/a.example.org/tcp/8481", "/dns/b.example.org/tcp/8481"],
                                      "serviceType": "LoadBalancer", "serviceAnnotations": {"example.org/kind": "tcp"}},
        "podAnnotations": {"example.org/note": "x"}, "nodeSelector": {"disk": "fast"}, "scrapeAnnotations": False,
        "tolerations": [{"key": "aula", "operator": "Exists"}], "networkPolicy": {"enabled": False},
    },
    "a district's service, logins and feeds": {
        "api": {"tlsSecret": "lake-tls", "ca": "ca.crt", "name": "lake.example.org"}, "config": {"inline": CONFIG},
        "existingSecrets": ["lake-lti", "lake-feeds"], "district": {"enabled": True, "outPorts": [443, 587, 22]}, "ports": PORTS,
    },
    "a district's service, its settings kept elsewhere": {
        **TLS, "config": {"existingConfigMap": "lake-settings"}, "existingSecrets": ["lake-roster"], "district": {"enabled": True},
    },
    "settings by sections, parameters to be voted for": {
        **TLS, "config": {"settings": SECTIONS}, "existingSecrets": ["lake-feeds"], "parameters": PARAMETERS,
    },
    "three followers": {**TLS, "followers": {"replicas": 3}},
    "four followers": {**TLS, "followers": {"replicas": 4}, "district": {"enabled": True}},
    "as many followers as there may be": {**TLS, "followers": {"replicas": 5, "maxReplicas": 5}},
    "forty validators": {**TLS, "replicas": 40},
}
REFUSED = {
    "without a certificate": ({}, "api.tlsSecret is missing"),
    "one key in two pods": ({**TLS, "replicas": 2, "keys": {"existingSecret": "k"}}, "keys.existingSecret is for one pod"),
    "two districts behind one port": ({**TLS, "replicas": 2, "ports": PORTS}, "ports is for one pod"),
    "two settings": ({**TLS, "config": {"inline": CONFIG, "existingConfigMap": "c"}}, "keep one"),
    "two settings by sections": ({**TLS, "config": {"inline": CONFIG, "settings": SECTIONS}}, "keep one"),
    "twins' parameters of no year": ({**TLS, "parameters": {"twin": {"engagement_low_e4": 1}}}, "twinFromYear is missing"),
    "fewer followers than followers": ({**TLS, "followers": {"replicas": 9, "maxReplicas": 8}}, "followers.maxReplicas is below"),
}


def objects(chart, values):
    for path, text in chart.render(values, name="lake", namespace="schools").items():
        if path.endswith(".yaml"):
            yield from (found for found in yaml.safe_load_all(text) if found)


def review(pod):
    context = pod["securityContext"]
    assert context["runAsNonRoot"] and context["runAsUser"] > 0 and not pod["automountServiceAccountToken"]
    names = {volume["name"] for volume in pod["volumes"]} | {"home"}
    ports = [port for container in pod["containers"] for port in container.get("ports", [])]
    assert len({port["name"] for port in ports}) == len({port["containerPort"] for port in ports}) == len(ports), ports
    used = set()
    for container in pod["initContainers"] + pod["containers"]:
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"], container["name"]
        assert own["capabilities"]["drop"] == ["ALL"] and container["resources"]["limits"]["memory"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted <= names
        used |= mounted
        variables = container.get("env", [])
        assert all("value" in variable or "valueFrom" in variable for variable in variables)
        assert len({variable["name"] for variable in variables}) == len(variables), container["name"]
    assert used == names, f"unused: {names - used}"
    node = pod["containers"][0]
    probes = {kind: node[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}, probes


def chosen(selector, pods):
    """The pods, by their set's name, that a selector meets."""
    wanted = {key: value for key, value in selector.items() if key != "statefulset.kubernetes.io/pod-name"}
    return {name for name, labels in pods.items() if wanted.items() <= labels.items()}


def meet(values, found):
    """Whatever names other objects names those that it should."""
    sets = {one["metadata"]["name"]: one for one in found if one["kind"] == "StatefulSet"}
    pods = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in sets.items()}
    maps = {one["metadata"]["name"] for one in found if one["kind"] == "ConfigMap"}
    followers = values.get("followers", {}).get("replicas", 0)
    assert set(sets) == {"lake"} | ({"lake-follower"} if followers else set())
    for name, one in sets.items():
        spec = one["spec"]["template"]["spec"]
        assert chosen(one["spec"]["selector"]["matchLabels"], pods) == {name}
        ports = {port["name"] for container in spec["containers"] for port in container.get("ports", [])}
        for service in (other for other in found if other["kind"] == "Service"):
            if chosen(service["spec"]["selector"], pods) == {name}:
                assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, service
        for policy in (other for other in found if other["kind"] == "NetworkPolicy"):
            if chosen(policy["spec"]["podSelector"]["matchLabels"], pods) == {name}:
                opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
                assert opened == ports, f"{name}: {opened ^ ports}"
    for service in (other for other in found if other["kind"] == "Service"):
        [own] = chosen(service["spec"]["selector"], pods)
        wants = "lake-follower" if service["metadata"]["name"] in ("lake-followers", "lake-readers") else "lake"
        assert own == wants, service["metadata"]["name"]
        for one in sets.values():
            if one["spec"]["serviceName"] == service["metadata"]["name"]:
                assert service["spec"]["clusterIP"] == "None"
    pod = sets["lake"]["spec"]["template"]["spec"]
    by_name = {container["name"]: container for container in pod["containers"]}
    assert ("district" in by_name) == values.get("district", {}).get("enabled", False)
    assert ("proxy" in by_name) == bool(values.get("ports")) == ("lake-proxy" in maps)
    assert ("lake-config" in maps) == bool({"inline", "settings"} & values.get("config", {}).keys())
    assert ("lake-parameters" in maps) == ("parameters" in values)
    if "district" in by_name:
        variables = {one["name"]: one.get("value") for one in by_name["district"]["env"]}
        host = variables["AULA_RPC"].removeprefix("https://").removesuffix(":8480")
        assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": [host]}], "it asks the node of its own pod"
        assert by_name["district"]["livenessProbe"]["httpGet"]["path"] == "/healthz"
    secrets = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert set(values.get("existingSecrets", [])) <= secrets
    scaled(values, found)


def scaled(values, found):
    """More than three follow the load at 72% of the CPU; validators never do."""
    scalers = [one for one in found if one["kind"] == "HorizontalPodAutoscaler"]
    told = {"replicas": 0, "maxReplicas": 12, **values.get("followers", {})}
    assert len(scalers) == int(told["replicas"] > 3 and told["maxReplicas"] > told["replicas"]), told
    for one in scalers:
        assert one["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "lake-follower"}
        assert one["spec"]["minReplicas"] == told["replicas"] > 3 and one["spec"]["maxReplicas"] == told["maxReplicas"]
        [metric] = one["spec"]["metrics"]
        assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 72}
    for one in found:
        if one["kind"] == "StatefulSet" and one["metadata"]["name"] == "lake-follower":
            assert ("replicas" in one["spec"]) == (not scalers), "who scales says how many"
            [node] = one["spec"]["template"]["spec"]["containers"]
            assert node["args"] == ["start", "--follower"] and node["resources"]["requests"]["cpu"]


def contents(values, found):
    """The texts in ConfigMaps are what was given, and lead where listeners are."""
    for one in (other for other in found if other["kind"] == "ConfigMap"):
        if one["metadata"]["name"] == "lake-config":
            told = tomllib.loads(one["data"]["config.toml"])
            given = values["config"]
            assert one["data"]["config.toml"] == given["inline"] if "inline" in given else told == given["settings"], one["data"]
            read_by_aula(one["data"]["config.toml"])
            continue
        if one["metadata"]["name"] == "lake-parameters":
            assert json.loads(one["data"]["parameters.json"]) == values["parameters"]["ledger"]
            assert json.loads(one["data"]["twin-parameters.json"]) == values["parameters"]["twin"]
            continue
        proxy = yaml.safe_load(one["data"]["envoy.yaml"])["static_resources"]
        cluster = {each["name"]: each["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
                   for each in proxy["clusters"]}
        led = []
        for listener in proxy["listeners"]:
            [chain] = listener["filter_chains"]
            [led_by] = chain["filters"]
            to = cluster[led_by["typed_config"]["cluster"]]
            assert to["address"] == "127.0.0.1" and chain["transport_socket"]["name"].endswith(".tls"), listener
            led.append({"name": listener["name"], "port": listener["address"]["socket_address"]["port_value"], "to": to["port_value"]})
        assert led == values["ports"], led
        judged_by_envoy(one["data"]["envoy.yaml"])


def read_by_aula(text):
    if len(sys.argv) < 2:
        return
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.toml").write_text(text)
        told = subprocess.run([sys.argv[1], "status", "--home", folder, "--rpc", "http://127.0.0.1:9", "--output", "json"],
                              capture_output=True, text=True)
        error = json.loads(told.stdout)["error"]
        assert error["code"] == "unreachable", f"not the node is missing: {error}"
    print("aula: config.toml is read")


def judged_by_envoy(text):
    program = shutil.which("envoy")
    if not program:
        return
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=lake", "-keyout", place / "tls.key", "-out", place / "tls.crt"], check=True, capture_output=True)
        (place / "envoy.yaml").write_text(text.replace("/etc/aula/tls", folder))
        told = subprocess.run([program, "--mode", "validate", "-c", place / "envoy.yaml"], capture_output=True, text=True)
        assert told.returncode == 0, told.stderr
    print("envoy: the proxy's configuration is one")


def main():
    findings = helm.lint(str(CHART), values=TLS)
    assert not findings["errors"], findings
    judged = 0
    with helm.Chart.load(str(CHART)) as chart:
        for name, values in SETTINGS.items():
            found = list(objects(chart, values))
            kinds = sorted(one["kind"] for one in found)
            assert {"StatefulSet", "PodDisruptionBudget", "Service"} <= set(kinds), kinds
            assert ("NetworkPolicy" in kinds) == values.get("networkPolicy", {}).get("enabled", True)
            for one in found:
                for version in VERSIONS:
                    kubernetes_validate.validate(one, version, strict=True)
                    judged += 1
                if one["kind"] == "StatefulSet":
                    review(one["spec"]["template"]["spec"])
            meet(values, found)
            contents(values, found)
            print(f"{name}: {', '.join(kinds)}")
        for name, (values, words) in REFUSED.items():
            try:
                list(objects(chart, values))
            except helm.HelmError as error:
                assert words in str(error), error
            else:
                sys.exit(f"{name}: rendered, and should have been refused with {words!r}")
            print(f"{name}: refused")
    print(f"{judged} judgements against Kubernetes {VERSIONS[0]} to {VERSIONS[-1]}, all valid")


if __name__ == "__main__":
    main()
