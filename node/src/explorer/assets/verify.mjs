// Verifies a bundle in this browser with the same verifier that aula-audit is, then compares the page's figures with
// what was proved. Nothing but fetches of files leaves the page; a file that the reader chose stays in it.
import { load } from "./verifier.mjs";

// The bundle: a file that the reader chose, or what the node serves.
async function bundle(panel) {
  const field = panel.querySelector(".verify-file");
  if (!field) return bytes(panel.dataset.bundle);
  if (!field.files.length) throw new Error("choose the file first");
  return new Uint8Array(await field.files[0].arrayBuffer());
}

async function bytes(address) {
  const answer = await fetch(address, { cache: "no-store" });
  if (!answer.ok) {
    const body = await answer.json().catch(() => null);
    throw new Error(body?.error?.message ?? "the node answered " + answer.status);
  }
  return new Uint8Array(await answer.arrayBuffer());
}

async function sha256(data) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function line(list, name, ok, detail) {
  const item = document.createElement("li");
  const mark = document.createElement("span");
  mark.className = ok ? "yes" : "no";
  mark.textContent = (ok ? "✓ " : "✗ ") + name + ": ";
  item.append(mark, detail);
  list.append(item);
  return ok;
}

// What a page pins in its address, or nothing.
function pinned(name) {
  return new URLSearchParams(location.hash.slice(1)).get(name);
}

// The figure that a path such as by_school.11.students names in the proven records.
function figure(figures, path) {
  const steps = path.split(".");
  for (const record of figures) {
    let value = record;
    for (const step of steps) {
      if (value === null || value === undefined) break;
      value = value[step];
    }
    if (value !== undefined) return value;
  }
  return undefined;
}

// Every figure of the page that names its place must be the proven one; withheld there, withheld here.
function compare(list, figures) {
  let same = 0;
  let other = 0;
  for (const place of document.querySelectorAll("[data-proof]")) {
    const proven = figure(figures, place.dataset.proof);
    if (proven === undefined) continue;
    const shown = place.dataset.value === undefined ? null : place.dataset.value;
    const equal = (proven === null ? null : String(proven)) === shown;
    place.classList.add(equal ? "proved" : "refuted");
    if (equal) same += 1;
    else other += 1;
  }
  if (same + other === 0) return true;
  const words = other === 0
    ? same + " figures on this page are the proven ones; they are outlined."
    : other + " figures on this page are not the proven ones.";
  return line(list, "figures on this page", other === 0, words);
}

async function run(panel) {
  const out = panel.querySelector(".verdict");
  const list = document.createElement("ol");
  const head = document.createElement("p");
  head.textContent = "Checking …";
  out.replaceChildren(head, list);
  panel.classList.remove("bad");
  let good = false;
  let sentence = "";
  try {
    const [program, genesis, evidence] = await Promise.all(
      [bytes(panel.dataset.verifier), bytes(panel.dataset.genesis), bundle(panel)]);
    const known = { verifier: await sha256(program), genesis: await sha256(genesis) };
    good = true;
    for (const name of ["verifier", "genesis"]) {
      const pin = pinned(name);
      const words = "SHA-256 " + known[name] + (pin ? (pin === known[name] ? ", as pinned." : ", not the pinned " + pin + ".") : ".");
      good = line(list, name, !pin || pin === known[name], words) && good;
    }
    const verify = await load(program);
    const report = JSON.parse(verify(evidence, genesis).line);
    for (const check of report.checks) good = line(list, check.name, check.ok, check.detail) && good;
    good = report.valid && good;
    sentence = report.sentence;
    if (report.valid) good = compare(list, report.figures ?? []) && good;
  } catch (error) {
    good = line(list, "not checked", false, String(error.message ?? error)) && false;
  }
  panel.classList.toggle("bad", !good);
  head.className = good ? "yes" : "no";
  head.textContent = (good ? "Verified. " : "Not verified. ") + sentence;
  panel.dataset.verdict = good ? "yes" : "no";
}

for (const panel of document.querySelectorAll(".verify")) {
  panel.querySelector(".verify-button").addEventListener("click", () => run(panel));
}
