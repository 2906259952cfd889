#!/usr/bin/env bash
# For the Compose file: an authority, a certificate a node, for the broker and the store, the store's account and Grafana's password,
# into ./tls beside this file. Once; what is there is kept. Needs openssl. The folder is its owner's alone; the files in it are mounted into containers whose
# account is another, so they are readable there.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p -m 0700 tls
cd tls
[ -e authority.pem ] ||
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -subj "/CN=aula compose authority" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout authority.key -out authority.pem
for node in district-1 district-2 district-3 district-4 broker store; do
  [ ! -e "$node.pem" ] || continue
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$node" \
    -CA authority.pem -CAkey authority.key -addext "subjectAltName=DNS:$node,DNS:$node-duties,DNS:localhost,IP:127.0.0.1" \
    -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth,clientAuth -keyout "$node.key" -out "$node.pem"
done
[ -e grafana-password ] || openssl rand -base64 18 >grafana-password
[ -e bucket-secret ] || openssl rand -hex 32 | tr -d '\n' >bucket-secret
[ -e store-accounts.json ] ||
  printf '{"identities":[{"name":"aula","credentials":[{"accessKey":"aula","secretKey":"%s"}],"actions":["Admin","Read","List","Tagging","Write"]}]}\n' \
    "$(cat bucket-secret)" >store-accounts.json
chmod 0644 ./*.pem district-*.key broker.key store.key bucket-secret store-accounts.json grafana-password
chmod 0600 authority.key
