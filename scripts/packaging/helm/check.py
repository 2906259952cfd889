#!/usr/bin/env python3
"""Renders the chart in several settings and holds every object against the schemas of Kubernetes 1.28 to 1.37.

Beside the schemas, what a reviewer would look for: no container may become root, write its image or take more memory than
it is given; probes are there; settings that would lose or double a key are refused.
"""
import pathlib
import sys

import helm_python as helm
import kubernetes_validate
import yaml

CHART = pathlib.Path(__file__).parent / "aula"
VERSIONS = [f"1.{minor}" for minor in range(28, 38)]
TLS = {"api": {"tlsSecret": "lake-tls"}}
SETTINGS = {
    "one node": TLS,
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
}
REFUSED = {
    "without a certificate": ({}, "api.tlsSecret is missing"),
    "one key in two pods": ({**TLS, "replicas": 2, "keys": {"existingSecret": "k"}}, "keys.existingSecret is for one pod"),
}


def objects(chart, values):
    for path, text in chart.render(values, name="lake", namespace="schools").items():
        if path.endswith(".yaml"):
            yield from (found for found in yaml.safe_load_all(text) if found)


def review(pod):
    context = pod["securityContext"]
    assert context["runAsNonRoot"] and context["runAsUser"] > 0 and not pod["automountServiceAccountToken"]
    names = {volume["name"] for volume in pod["volumes"]} | {"home"}
    for container in pod["initContainers"] + pod["containers"]:
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"], container["name"]
        assert own["capabilities"]["drop"] == ["ALL"] and container["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= names
        for variable in container["env"]:
            assert "value" in variable or "valueFrom" in variable
    node = pod["containers"][0]
    probes = {kind: node[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}, probes


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
