// Verifies a bundle in this browser with the same verifier that aula-audit is, then compares the page's figures with
// what was proved. Nothing but fetches of files leaves the page; a file that the reader chose stays in it.
import { load } from "./verifier.mjs";

// What the page has the script say, in its language; {} is filled in.
function said(panel, name, value) {
  return (JSON.parse(panel.dataset.words)[name] ?? "").replace("{}", value ?? "");
}

// The bundle: a file that the reader chose, or what the node serves.
async function bundle(panel) {
  const field = panel.querySelector(".verify-file");
  if (!field) return bytes(panel.dataset.bundle);
  if (!field.files.length) throw new Error(said(panel, "choose"));
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

// The checks in their order; many good ones of one name in a row are folded into one line.
function steps(panel, list, checks) {
  let good = true;
  for (let from = 0; from < checks.length;) {
    let until = from + 1;
    while (until < checks.length && checks[until].ok && checks[from].ok && checks[until].name === checks[from].name) until += 1;
    if (until - from > 3) {
      const item = document.createElement("li");
      const fold = document.createElement("details");
      const head = document.createElement("summary");
      const inner = document.createElement("ol");
      line(head, checks[from].name, true, said(panel, "hold", until - from));
      head.replaceChildren(...head.firstChild.childNodes);
      for (const check of checks.slice(from, until)) line(inner, check.name, check.ok, check.detail);
      fold.append(head, inner);
      item.append(fold);
      list.append(item);
    } else {
      for (const check of checks.slice(from, until)) good = line(list, check.name, check.ok, check.detail) && good;
    }
    from = until;
  }
  return good;
}

// What a page pins in its address, or nothing.
function pinned(name) {
  return new URLSearchParams(location.hash.slice(1)).get(name);
}

// The records by their names; a name that stands twice holds the fields of both.
function named(figures) {
  const all = {};
  for (const record of figures) {
    for (const [name, value] of Object.entries(record)) {
      all[name] = name in all && all[name] && typeof all[name] === "object" ? { ...all[name], ...value } : value;
    }
  }
  return all;
}

// The figure that a path such as round-3.by_school.11.students names in the proven records.
function figure(records, path) {
  let value = records;
  for (const step of path.split(".")) {
    if (value === null || value === undefined) break;
    value = value[step];
  }
  return value;
}

// The same value whatever the order of its fields.
function text(value) {
  if (value === null || typeof value !== "object") return String(value);
  const sorted = (_, inner) => inner && typeof inner === "object" && !Array.isArray(inner)
    ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner;
  return JSON.stringify(value, sorted);
}

function equals(proven, shown) {
  if (proven === null || shown === null) return proven === shown;
  return text(typeof proven === "object" ? proven : String(proven)) === text(typeof proven === "object" ? JSON.parse(shown) : shown);
}

// Every figure of the page that names its place must be the proven one; withheld there, withheld here.
function compare(panel, list, figures) {
  const records = named(figures);
  let same = 0;
  let other = 0;
  for (const place of document.querySelectorAll("[data-proof]")) {
    const proven = figure(records, place.dataset.proof);
    if (proven === undefined) continue;
    const shown = place.dataset.value === undefined ? null : place.dataset.value;
    const equal = equals(proven, shown);
    place.classList.remove("proved", "refuted");
    place.classList.add(equal ? "proved" : "refuted");
    if (equal) same += 1;
    else other += 1;
  }
  if (same + other === 0) return { good: true, words: "" };
  const words = other === 0
    ? said(panel, "same", same)
    : said(panel, "other", other);
  return { good: line(list, said(panel, "figures"), other === 0, words), words };
}

async function run(panel) {
  const out = panel.querySelector(".verdict");
  const list = document.createElement("ol");
  const head = document.createElement("p");
  list.lang = "en";
  head.textContent = said(panel, "checking");
  for (const place of document.querySelectorAll(".proved, .refuted")) place.classList.remove("proved", "refuted");
  out.replaceChildren(head, list);
  panel.classList.remove("bad");
  let good = false;
  let sentence = "";
  let standing = "stands";
  const limits = document.createElement("p");
  limits.className = "soft";
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
    good = steps(panel, list, report.checks) && good;
    good = report.valid && good;
    standing = report.standing ?? "stands";
    sentence = report.sentence;
    if (report.valid) {
      const compared = compare(panel, list, report.figures ?? []);
      good = compared.good && good;
      limits.textContent = report.sentence;
      sentence = compared.words;
    }
  } catch (error) {
    good = line(list, said(panel, "not_checked"), false, String(error.message ?? error)) && false;
  }
  panel.classList.toggle("bad", !good);
  limits.lang = "en";
  if (said(panel, "sentences")) {
    const note = document.createElement("p");
    note.className = "soft";
    note.textContent = said(panel, "sentences");
    out.append(note);
  }
  if (limits.textContent) out.append(limits);
  const fallen = good && standing !== "stands";
  head.className = good && !fallen ? "yes" : "no";
  head.textContent = said(panel, fallen ? "fallen" : good ? "verified" : "not_verified") + sentence;
  panel.dataset.verdict = good ? "yes" : "no";
  panel.dataset.standing = good ? standing : "";
}

for (const panel of document.querySelectorAll(".verify")) {
  panel.querySelector(".verify-button").addEventListener("click", () => run(panel));
}
