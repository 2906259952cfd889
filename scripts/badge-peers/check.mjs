// What Digital Bazaar's packages say of a badge, its lists and its issuer. Nothing is fetched: documents and contexts are files.
//   node check.mjs FOLDER good|suspended|revoked      FOLDER has badge.json, and badges/ with issuer.json, revocation.json, suspension.json
// One PASS or FAIL a check, the packages' versions first; exit 1 when one fails.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import * as vc from "@digitalbazaar/vc";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { cryptosuite } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import { checkStatus } from "@digitalbazaar/vc-bitstring-status-list";

const here = dirname(fileURLToPath(import.meta.url));
const [folder, wanted] = process.argv.slice(2);
// What each of its lists must say of the badge.
const expected = {
  good: { revocation: false, suspension: false },
  suspended: { revocation: false, suspension: true },
  revoked: { revocation: true, suspension: false },
}[wanted];
if (!folder || !expected) throw new Error("node check.mjs FOLDER good|suspended|revoked");
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
const asks = (loader) => checkStatus({ credential: badge, documentLoader: loader, suite: suite(), verifyBitstringStatusListCredential: true });
const status = await asks(documentLoader);
// By purpose; a list that is missing, or not verified, says nothing.
const said = Object.fromEntries((status.results ?? []).map((one) => [one.credentialStatus.statusPurpose, one.status]));
const as = status.verified === true && Object.keys(said).length === 2 && Object.entries(expected).every(([purpose, is]) => said[purpose] === is);
holds(`its lists say that it is ${wanted}`, as, { said, status });
// The same lists with the badge's own bit turned are no lists of this issuer's, and none that is kept from the reader says "good".
const entries = [badge.credentialStatus].flat();
const turned = (entry) => {
  const list = structuredClone(documents.get(entry.statusListCredential));
  const bits = gunzipSync(Buffer.from(list.credentialSubject.encodedList.slice(1), "base64url"));
  const index = Number(entry.statusListIndex);
  bits[index >> 3] ^= 0x80 >> (index & 7);
  list.credentialSubject.encodedList = "u" + gzipSync(bits).toString("base64url");
  return list;
};
for (const entry of entries) {
  for (const [name, given] of [["turned", () => turned(entry)], ["withheld", () => { throw new Error("withheld"); }]]) {
    const says = await asks(async (url) => url === entry.statusListCredential ? { contextUrl: null, documentUrl: url, document: given() } : documentLoader(url));
    holds(`a ${entry.statusPurpose} list that is ${name} says nothing`, says.verified === false && says.results === undefined, says);
  }
}
process.exitCode = failed ? 1 : 0;
