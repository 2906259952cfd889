// What Digital Bazaar's packages say of a badge, its lists and its issuer. Nothing is fetched: documents and contexts are files.
//   node check.mjs FOLDER      FOLDER has badge.json, and badges/ with issuer.json, revocation.json, suspension.json
// One PASS or FAIL a check, the packages' versions first; exit 1 when one fails.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as vc from "@digitalbazaar/vc";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { cryptosuite } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import { checkStatus } from "@digitalbazaar/vc-bitstring-status-list";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];
const json = (path) => JSON.parse(readFileSync(path, "utf8"));
const packages = json(join(here, "package.json")).dependencies;
console.log(Object.entries(packages).map(([name, version]) => `${name} ${version}`).join(", "), "node", process.version);

const [badge, issuer] = [json(join(folder, "badge.json")), json(join(folder, "badges/issuer.json"))];
const lists = ["revocation", "suspension"].map((name) => json(join(folder, `badges/${name}.json`)));
const contexts = {
  "https://www.w3.org/ns/credentials/v2": "credentials-v2.jsonld",
  "https://www.w3.org/ns/did/v1": "did-v1.jsonld",
  "https://w3id.org/security/data-integrity/v1": "data-integrity-v1.jsonld",
  "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json": "ob-v3p0-3.0.3.json",
};
// Of the issuer's document, and of each key in it by the key's own id, as a resolver of DIDs gives them.
const keys = issuer.verificationMethod.map((key) => [key.id, { "@context": "https://w3id.org/security/multikey/v1", ...key }]);
const documents = new Map([[issuer.id, issuer], ...keys, ...lists.map((list) => [list.id, list])]);
const asked = new Set();
const documentLoader = async (url) => {
  asked.add(url);
  const document = documents.get(url) ?? (contexts[url] && json(join(here, "../../node/report/contexts", contexts[url])));
  if (!document) throw new Error(`nobody has ${url} here`);
  return { contextUrl: null, documentUrl: url, document };
};
const suite = () => new DataIntegrityProof({ cryptosuite });
const verified = (credential) => vc.verifyCredential({ credential, suite: suite(), documentLoader, checkStatus: async () => ({ verified: true }) });

let failed = 0;
const holds = (name, is, why) => {
  failed += is ? 0 : 1;
  console.log(is ? "PASS" : "FAIL", name, is ? "" : JSON.stringify(why, (_, value) => value instanceof Error ? { message: value.message, errors: value.errors } : value).slice(0, 600));
};
const badgeSays = await verified(badge);
holds("the badge verifies", badgeSays.verified, badgeSays);
for (const [at, name] of ["revocation", "suspension"].entries()) {
  const says = await verified(lists[at]);
  holds(`the ${name} list verifies`, says.verified, says);
}
for (const [name, change] of [
  ["another name of the achievement", (one) => { one.credentialSubject.achievement.name += "!"; }],
  ["another subject", (one) => { one.credentialSubject.id = "did:example:other"; }],
  ["another end", (one) => { one.validUntil = "2199-01-01T00:00:00Z"; }],
  ["another signature", (one) => { one.proof.proofValue = one.proof.proofValue.slice(0, -1) + (one.proof.proofValue.endsWith("1") ? "2" : "1"); }],
]) {
  const changed = structuredClone(badge);
  change(changed);
  holds(`with ${name} it does not`, !(await verified(changed)).verified);
}
const status = await checkStatus({ credential: badge, documentLoader, suite: suite(), verifyBitstringStatusListCredential: true });
const wanted = process.argv[3] ?? "good";
const is = status.results?.some((one) => one.status === true || one.verified === false) ? "taken back" : status.verified ? "good" : "unknown";
holds(`its status is ${wanted}`, is === wanted, status);
process.exitCode = failed ? 1 : 0;
