// The checks, by name. Each gets a browser, the explorer's origin, and the origin of a proxy that flips bundles.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

export const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const LIMIT = { timeout: 120_000 };
// What a form asks for, and pages that no link leads to.
const ASKED = ["/search?q=1", "/classroom", "/classroom?lang=es", "/compare?of=rounds&one=0&other=1", "/compare?of=districts&one=1&other=2"];
export const VIEWS = [
  { name: "desktop, light", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "desktop, dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "phone, light", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { name: "phone, dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
];

async function json(address) {
  const answer = await fetch(address);
  assert.equal(answer.status, 200, address);
  return answer.json();
}

// Opens a page and collects what the browser complains of and what it asks of other hosts.
export async function opened(browser, origin, path, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const known = [origin, origin.replace("http", "ws"), "data:"].some((start) => request.url().startsWith(start));
    if (!known) complaints.push("asks another host: " + request.url());
  });
  const answer = await page.goto(origin + path, { waitUntil: "load", ...LIMIT });
  assert.equal(answer.status(), 200, path);
  return { context, page, complaints };
}

// Where a page's links of a kind lead on this origin: without what a list is narrowed by, but in the language that they ask for.
const ahead = (page, links) => page.locator(links).evaluateAll((all) => all.map((one) => new URL(one.getAttribute("href"), location))
  .filter((to) => to.origin === location.origin)
  .map((to) => to.pathname + (to.search.startsWith("?lang=") && to.search !== "?lang=en" ? to.search : "")));

// The pages of the navigation that the node serves, and of each kind that they lead to, as "/rounds/3", the first.
async function pagesOf(browser, origin) {
  const kind = (address) => address.replace(/\/(\d+|[0-9a-f]{40,})(?=[/?]|$)/g, "/*");
  const found = new Map();
  const leads = async (address) => {
    const { context, page } = await opened(browser, origin, address);
    const [listed, linked] = [await ahead(page, "nav.pages a[href]"), await ahead(page, "main a[href]")];
    await context.close();
    return { listed, linked };
  };
  const { listed } = await leads("/");
  assert.ok(listed.includes("/rounds") && listed.includes("/members"), "the navigation lists pages: " + listed);
  for (const queue = [...listed]; queue.length;) {
    const address = queue.shift();
    if (address.startsWith("/v1/") || found.has(kind(address))) continue;
    const answer = await fetch(origin + address, { headers: { accept: "text/html" } });
    assert.equal(answer.status, 200, address);
    if (!answer.headers.get("content-type").startsWith("text/html")) continue;
    found.set(kind(address), address);
    queue.push(...(await leads(address)).linked);
  }
  return [...found.values(), ...ASKED];
}

// Rows of cards in which a cell has not the name of the head above it; one cell may stand alone across all.
const misplaced = (page) => page.locator("table.cards").evaluateAll((tables) => tables.flatMap((table) => {
  const names = [...table.tHead.rows[0].cells].map((one) => one.textContent);
  const stands = ({ cells }) => cells.length === names.length && [...cells].every((one, at) => one.dataset.label === names[at]);
  const alone = ({ cells }) => cells.length === 1 && cells[0].colSpan === names.length;
  return [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !stands(row) && !alone(row)).map((row) => row.outerHTML);
}));

async function everyPage({ browser, origin }) {
  const pages = await pagesOf(browser, origin);
  for (const { name, ...view } of VIEWS) {
    for (const path of pages) {
      const { context, page, complaints } = await opened(browser, origin, path, { ...view, bypassCSP: true });
      const where = `${path} (${name})`;
      assert.equal(await page.locator("h1").count(), 1, where + ": one h1");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, where + ": wider than the window");
      const cut = await page.locator(".scroll").evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.ariaLabel));
      assert.deepEqual(cut, [], where + ": tables that must be scrolled sideways");
      assert.deepEqual(await misplaced(page), [], where + ": cells under another head than their own");
      await page.evaluate(AXE);
      const found = await page.evaluate(() => axe.run());
      const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
      assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes[0].html}`), [], where);
      assert.deepEqual(complaints, [], where);
      await context.close();
    }
  }
}

async function withoutScript({ browser, origin }) {
  const { context, page } = await opened(browser, origin, "/rounds/0", { javaScriptEnabled: false });
  const text = await page.locator("main").innerText();
  for (const words of ["Who got what, by school", "equity report", "Prices", "Budget and spend"]) {
    assert.ok(text.includes(words), words);
  }
  assert.ok(await page.locator("svg polyline").count() >= 1, "the Lorenz curve");
  await context.close();
}

async function live({ browser, origin }) {
  const { context, page } = await opened(browser, origin, "/");
  const before = Number(await page.locator("#height").textContent());
  await page.waitForFunction((height) => Number(document.getElementById("height").textContent) >= height + 2, before, LIMIT);
  const newest = Number(await page.locator("#blocks tr:first-child td:first-child").textContent());
  assert.ok(newest >= before + 2, "the newest block is in the list");
  assert.equal(await page.locator("#live").textContent(), "live");
  await context.close();
}

async function finds({ browser, origin }) {
  const { context, page } = await opened(browser, origin, "/");
  const block = await json(origin + "/v1/blocks/2");
  const cases = [["round 0", "/rounds/0"], ["district 1", "/districts/1"], ["school 1", "/schools/1"], ["2", "/blocks/2"], [block.hash, "/blocks/2"],
    ["ab".repeat(32), "/family"]];
  for (const [text, href] of cases) {
    await page.goto(origin + "/", LIMIT);
    await page.fill("#q", text);
    await page.press("#q", "Enter");
    await page.waitForSelector(".hits", LIMIT);
    assert.ok(await page.locator(`.hits a[href="${href}"]`).count() >= 1, `${text} leads to ${href}`);
  }
  await page.goto(origin + "/search?q=" + encodeURIComponent("<img src=x onerror=alert(1)>"), LIMIT);
  assert.equal(await page.locator("main img").count(), 0, "what was typed is text");
  await context.close();
}

async function sorts({ browser, origin }) {
  const { context, page } = await opened(browser, origin, "/pools");
  await page.click("th button:text('Places')");
  const places = await page.locator("table.sortable tbody tr td:nth-child(4)").allTextContents();
  const numbers = places.map((text) => Number(text.replaceAll(",", "")));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => b - a));
  assert.equal(await page.locator("th[aria-sort=descending]").count(), 1);
  await context.close();
}

async function exports({ origin }) {
  for (const register of ["pools", "districts", "schools", "members", "budgets", "rounds"]) {
    const listed = await json(`${origin}/v1/${register}`);
    const exported = await json(`${origin}/v1/export/${register}.json`);
    const csv = await fetch(`${origin}/v1/export/${register}.csv`);
    const lines = (await csv.text()).trimEnd().split("\n").length - 1;
    const stated = Number(csv.headers.get("aula-rows"));
    assert.deepEqual([exported.count, exported.rows.length, stated, lines], Array(4).fill(listed.count), register);
  }
  const { pools } = await json(origin + "/v1/pools");
  const { rows } = await json(origin + "/v1/export/pools.json");
  assert.deepEqual(rows.map((row) => [row.pool, row.capacity, row.unit_cost_cents]), pools.map((pool) => [pool.pool, pool.capacity, pool.unit_cost_cents]));
  const whole = await json(origin + "/v1/export/transactions.json");
  assert.equal(whole.rows.length, whole.count);
  const seen = [];
  for (let before = ""; ;) {
    const page = await json(`${origin}/v1/transactions?limit=100${before}`);
    seen.push(...page.transactions.map((one) => one.ordinal));
    if (page.next === null) break;
    before = "&before=" + page.next;
  }
  const total = seen[0] + 1;
  assert.deepEqual(seen, Array.from({ length: total }, (_, at) => total - 1 - at), "pages without gap or repeat");
}

async function verdict(browser, origin, path) {
  const { context, page } = await opened(browser, origin, path);
  await page.locator(".verify-button").first().click();
  await page.waitForSelector(".verify[data-verdict]", LIMIT);
  const panel = page.locator(".verify").first();
  const told = { verdict: await panel.getAttribute("data-verdict"), text: await panel.innerText() };
  told.proved = await page.locator(".proved").count();
  told.refuted = await page.locator(".refuted").count();
  await context.close();
  return told;
}

async function green({ browser, origin }) {
  const { transactions: [opened] } = await json(origin + "/v1/transactions?kind=DefinePool&limit=1");
  const { pools: [pool] } = await json(origin + "/v1/pools");
  // At least so many figures of each page are compared with what was proved.
  const pages = { "/": 11, "/rounds": 10, "/rounds/0": 100, "/rounds/1": 100, "/budgets": 4, "/pools": 100, ["/pools/" + pool.pool]: 6, "/parameters": 20,
    "/districts": 40, "/districts/1": 5, "/schools": 100, "/schools/1": 10, "/validators": 8, "/members": 100, "/milestones": 1, "/trail": 100,
    "/blocks": 100, "/blocks/8": 6, ["/transactions/" + opened.id]: 5, "/verify": 0 };
  for (const [path, least] of Object.entries(pages)) {
    const told = await verdict(browser, origin, path);
    assert.equal(told.verdict, "yes", path + ": " + told.text);
    assert.ok(told.text.includes("✓ certificate"), path);
    assert.equal(told.refuted, 0, path);
    assert.ok(told.proved >= least, `${path}: ${told.proved} figures on the page are compared`);
    if (path.startsWith("/rounds/")) assert.ok(told.text.includes("optimal needs the auditor's bundle"), path);
  }
}

async function red({ browser, flipped }) {
  for (const path of ["/rounds/0", "/budgets", "/members", "/trail", "/blocks/8", "/verify"]) {
    const told = await verdict(browser, flipped, path);
    assert.equal(told.verdict, "no", path);
    assert.ok(told.text.includes("✗"), path + " says why: " + told.text);
  }
}

async function pinned({ browser, origin }) {
  const told = await verdict(browser, origin, "/verify#genesis=" + "0".repeat(64));
  assert.equal(told.verdict, "no", "another genesis than the pinned one");
}

// A file of the family's own choice, checked without being sent; then the same file with one bit flipped.
async function ownFile({ browser, origin, bundle }) {
  const { context, page } = await opened(browser, origin, "/family");
  const sent = [];
  page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
  const good = readFileSync(bundle);
  const spoiled = Buffer.from(good);
  spoiled[Math.floor(good.length / 2)] ^= 1;
  for (const [buffer, verdict] of [[good, "yes"], [spoiled, "no"]]) {
    await page.setInputFiles(".verify-file", { name: "decision.bundle", mimeType: "application/octet-stream", buffer });
    await page.locator(".verify").evaluate((panel) => delete panel.dataset.verdict);
    await page.click(".verify-button");
    await page.waitForSelector(".verify[data-verdict]", LIMIT);
    assert.equal(await page.locator(".verify").getAttribute("data-verdict"), verdict, await page.locator(".verify").innerText());
  }
  assert.deepEqual(sent, []);
  await context.close();
}

// A figure changed on the page alone is found: the page is compared with the proof, not with itself.
async function tampered({ browser, origin }) {
  const { context, page } = await opened(browser, origin, "/rounds/0");
  await page.locator("[data-proof$='.students'][data-value]").first().evaluate((cell) => { cell.dataset.value = "7"; });
  await page.locator(".verify-button").first().click();
  await page.waitForSelector(".verify[data-verdict=no]", LIMIT);
  assert.equal(await page.locator(".refuted").count(), 1);
  await context.close();
}

async function feeds({ origin }) {
  const { items, version } = await json(origin + "/feed.json");
  const atom = await (await fetch(origin + "/feed.atom")).text();
  assert.ok(version.endsWith("/1.1") && items.length > 0);
  assert.equal(atom.match(/<entry>/g).length, items.length, "the same entries in both");
}

export const checks = {
  "rounds and votes are a feed in two forms": feeds,
  "every page, at desktop and phone width, light and dark, is accessible and asks no other host": everyPage,
  "a round reads without JavaScript": withoutScript,
  "the overview follows the chain": live,
  "search finds heights, hashes, districts, schools and rounds": finds,
  "tables sort": sorts,
  "exports are complete and equal the API": exports,
  "true figures verify": green,
  "one flipped bit of a bundle is refused": red,
  "a pinned genesis is compared": pinned,
  "a figure changed on the page is refused": tampered,
  "a family's file is checked in the browser and sent nowhere": ownFile,
};
