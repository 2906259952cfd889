#!/usr/bin/env python3
"""What can be said of the Compose file without an engine: each file, secret, volume, service and address in it is there.

Beside Compose's own schema (check.sh container): secrets and mounts name files that are in the folder or that certificates.sh makes,
what depends on something depends on a service, certificates bear the names by which they are called, and config.toml asks hosts and
files that services provide. Usage: check.py [--made FOLDER], with the folder that certificates.sh filled.
"""
import pathlib
import re
import subprocess
import sys
import tomllib

import yaml

HERE = pathlib.Path(__file__).parent
HOME = "/var/lib/aula/home/secrets/"


def made(script):
    """Files below ./tls that certificates.sh writes."""
    nodes = re.search(r"for node in ([^;]+);", script).group(1).split()
    names = {f"{node}{end}" for node in nodes for end in (".pem", ".key")}
    return names | set(re.findall(r"\[ -e ([\w.-]+) \]", script)) | {"authority.pem"}, nodes


def mounts(service):
    """Place in the container by file or volume."""
    found = {}
    for one in service.get("volumes", []):
        source, target = one.split(":")[:2]
        found[target] = source
    return found


def secrets(service):
    """Place in the container by the secret's name."""
    short = [{"source": one, "target": one} if isinstance(one, str) else one for one in service.get("secrets", [])]
    return {f"/run/secrets/{one['target']}": one["source"] for one in short}


def main():
    file = yaml.safe_load((HERE / "compose.yaml").read_text())
    script = (HERE / "certificates.sh").read_text()
    written, certified = made(script)
    services = file["services"]
    for name, source in file["secrets"].items():
        assert source["file"].removeprefix("./tls/") in written, f"nobody makes {source['file']} of the secret {name}"
    used = set()
    for name, service in services.items():
        for target, source in mounts(service).items():
            if source.startswith("./tls/"):
                assert source.removeprefix("./tls/") in written, f"{name}: nobody makes {source}"
            elif source.startswith("."):
                assert (HERE / source).is_file(), f"{name}: {source} is not there"
            else:
                assert source in file["volumes"], f"{name}: no volume {source}"
                used.add(source)
        for source in secrets(service).values():
            assert source in file["secrets"], f"{name}: no secret {source}"
        for other in service.get("depends_on", []):
            assert other in services, f"{name} depends on {other}, which is no service"
        assert service.get("image") and ":" in re.sub(r"\$\{\w+:-|\}", "", service["image"]), f"{name}: an image has a tag"
        assert "no-new-privileges:true" in service["security_opt"], name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port} is reached from outside this machine"
    assert used == set(file["volumes"]), f"unused volumes: {set(file['volumes']) - used}"
    kinds = {"district run": "duties", "broker": "mosquitto", "store": "weed", "monitoring": "prometheus", "dashboard": "grafana"}
    for what, word in kinds.items():
        assert any(word in str(service) for service in services.values()), f"no {what}"

    node, duties = services["district-1"], services["district-1-duties"]
    there = secrets(node) | mounts(node)
    config = tomllib.loads((HERE / "district-1.toml").read_text())
    assert there["/etc/aula/config.toml"] == "./district-1.toml"
    copied = {HOME + pathlib.Path(place).name for place in there if place.startswith("/etc/aula/secrets/")}
    [feed], [delivery] = config["feed"], config["delivery"]
    assert feed["secret"] in copied and delivery["secret_file"] in copied and delivery["ca"] in there
    broker = tomllib.loads((HERE / "broker.toml").read_text())
    assert all(path in there for path in broker.values()), broker
    for address in (feed["broker"], delivery["endpoint"], duties["environment"]["AULA_RPC"]):
        scheme, host = re.match(r"(\w+)://([\w.-]+):\d+$", address).groups()
        assert scheme in ("mqtts", "https") and host in services and host in certified, address
    assert mounts(node)["/var/lib/aula"] == mounts(duties)["/var/lib/aula"], "one home"
    bucket = services["store-bucket"]["command"][0]
    assert f"-name {delivery['bucket']}'" in bucket, bucket
    assert f'"accessKey":"{delivery["key_id"]}"' in script
    jobs = yaml.safe_load((HERE / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for one in job["static_configs"] for target in one["targets"]]
    for target in targets:
        host, port = target.split(":")
        assert host in services, f"Prometheus asks {host}, which is no service"
        assert host in certified or host.removesuffix("-duties") in certified, f"{host} has no certificate by its name"
        assert port == "8480" or f"0.0.0.0:{port}" in services[host]["command"], target
    assert {target.split(":")[0] for target in targets} == {name for name in services if name.startswith("district-")}
    print(f"compose: {len(services)} services, {len(file['secrets'])} secrets, {len(targets)} scraped, all there")

    if len(sys.argv) > 2:
        folder = pathlib.Path(sys.argv[2])
        for name in written:
            assert (folder / name).stat().st_size > 0, name
        for node in certified:
            told = subprocess.run(["openssl", "verify", "-CAfile", folder / "authority.pem", "-purpose", "sslserver",
                                   "-verify_hostname", node, folder / f"{node}.pem"], capture_output=True, text=True)
            assert told.returncode == 0, told.stderr
        told = subprocess.run(["openssl", "verify", "-CAfile", folder / "authority.pem", "-purpose", "sslclient",
                               folder / "district-1.pem"], capture_output=True, text=True)
        assert told.returncode == 0, f"district-1 cannot show its certificate to the broker: {told.stderr}"
        print(f"certificates.sh: {len(written)} files, {len(certified)} certificates verified")


if __name__ == "__main__":
    main()
