// A section's heatmap: asked with the teacher's credential, shown a day at a time, asked for again every five minutes.
const main = document.getElementById("content");
const words = JSON.parse(main.dataset.words);
const at = (id) => document.getElementById(id);
const [form, told, controls, slider, date, place] = ["ask", "told", "controls", "day", "date", "map"].map(at);
const EVERY = 300000;

let credential = null;
let section = null;
let known = null; // what was answered, and its tag
let timer = null;

const filled = (text, ...values) => values.reduce((done, value) => done.replace("{}", () => value), text);
const tell = (text) => { told.textContent = text; };

class Refused extends Error {}

async function ask(query, headers) {
  const address = "/v1/classrooms/" + encodeURIComponent(section) + "/heatmap" + query;
  const answer = await fetch(address, { cache: "no-store", credentials: "omit", headers: { "Aula-Credential": credential, ...headers } });
  if (answer.ok || answer.status === 304) return answer;
  const body = await answer.json().catch(() => null);
  throw new Refused(body?.error ? body.error.message + ": " + body.error.hint : String(answer.status));
}

async function load() {
  clearTimeout(timer);
  try {
    const answer = await ask("", known ? { "If-None-Match": known.tag } : {});
    if (answer.status !== 304) known = { tag: answer.headers.get("etag"), map: await answer.json() };
    show();
    timer = setTimeout(load, EVERY);
  } catch (error) {
    // What may no longer be seen is not left standing.
    if (error instanceof Refused) clear();
    tell(filled(words.failed, error.message));
    if (!(error instanceof Refused)) timer = setTimeout(load, EVERY);
  }
}

function clear() {
  known = null;
  controls.hidden = true;
  place.replaceChildren();
}

function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function show() {
  const { map } = known;
  const day = Number(slider.value);
  const of = map.days[day];
  date.textContent = of;
  slider.setAttribute("aria-valuetext", of);
  const at = new Date(map.computed_ms).toISOString().slice(11, 16);
  const lines = [filled(words.computed, map.section, of, at)];
  if (map.withheld > 0) lines.push(filled(words.withheld, map.withheld));
  lines.push(map.units.length === 0 ? words.empty : words.shades);
  tell(lines.join(" "));
  controls.hidden = false;
  const table = element("table", "", "heat");
  const head = table.createTHead().insertRow();
  const title = element("th", words.student);
  title.scope = "col";
  head.append(title);
  for (const unit of map.units) {
    const cell = element("th", words.unit + " " + unit, "n");
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const student of map.students) {
    const row = body.insertRow();
    const name = element("th", student.name ?? student.handle.slice(0, 8));
    name.scope = "row";
    row.append(name);
    for (const level of student.levels[day]) {
      row.append(level === null ? element("td", "–") : element("td", String(Math.round(level / 100)), "h" + Math.min(9, Math.floor(level / 1000))));
    }
  }
  place.replaceChildren(table);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  credential = at("credential").value.trim();
  section = at("section").value.trim();
  clear();
  load();
});

// Where staff log in at this address, the login is exchanged for a credential of some minutes.
at("login").addEventListener("click", async () => {
  section = at("section").value.trim();
  if (!at("section").reportValidity()) return;
  clear();
  try {
    const answer = await fetch("/identity/credential", { method: "POST", cache: "no-store", headers: { "Aula-Request": "1" } });
    if (!answer.ok) return tell(words.no_login);
    credential = (await answer.json()).credential;
    load();
  } catch (error) {
    tell(filled(words.failed, error.message));
  }
});

slider.addEventListener("input", () => known && show());

at("csv").addEventListener("click", async () => {
  try {
    const back = Number(slider.max) - Number(slider.value);
    const answer = await ask("?format=csv&back=" + back, {});
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = section.replace(/[^A-Za-z0-9-]+/g, "-") + "-" + known.map.days[Number(slider.value)] + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) {
    tell(filled(words.failed, error.message));
  }
});
