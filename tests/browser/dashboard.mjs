// A student's dashboard in a real browser: one district's vault, served by a node of the demo's that is started again for it alone.
// One validator of four decides nothing, and a dashboard asks for nothing that is not decided already.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { AXE, LIMIT, VIEWS, opened } from "./checks.mjs";

const free = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

// Starts the demo's first node with district 1's vault, its links, and a folder as its feed.
export async function served(program, demo) {
  const [node, office, feed] = [join(demo, "node-01"), join(demo, "district-01"), join(demo, "feed")];
  mkdirSync(feed, { recursive: true });
  const port = await free();
  const path = join(node, "config.toml");
  let config = readFileSync(path, "utf8").split("\n").filter((line) => !/^#? ?(listen = "127|links = |data = |keystore = )/.test(line)).join("\n");
  const set = (section, lines) => {
    const head = `[${section}]\n`;
    config = config.includes(head) ? config.replace(head, head + lines) : config + "\n" + head + lines;
  };
  set("api", `listen = "127.0.0.1:${port}"\nlinks = ["${join(office, "links")}"]\n`);
  set("vault", `data = "${join(office, "vault")}"\nkeystore = "${join(office, "keystore")}"\n`);
  writeFileSync(path, config);
  appendFileSync(path, `\n[[feed]]\nname = "tablets"\nkind = "files"\nfolder = "${feed}"\n`);
  const child = spawn(program, ["start", "--home", node], { stdio: ["ignore", "ignore", "pipe"] });
  let story = "";
  child.stderr.on("data", (piece) => { story = (story + piece).slice(-4000); });
  const origin = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries += 1) {
    if (await fetch(origin + "/v1/status").then((answer) => answer.ok, () => false)) break;
    assert.ok(tries < 600 && child.exitCode === null, "the node does not serve: " + story);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { child, origin, office, feed };
}

// The whole page with what it loads, in bytes as they are sent.
const weight = (page) => page.evaluate(async () => {
  const parts = [location.href, ...[...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((one) => one.href || one.src)];
  const sizes = await Promise.all(parts.map(async (part) => (await (await fetch(part)).arrayBuffer()).byteLength));
  return sizes.reduce((sum, size) => sum + size, 0);
});

export async function dashboards({ browser, program, origin, office, feed, shots }) {
  const aula = (words, exit = 0) => {
    const ran = spawnSync(program, [...words, "--home", office, "--output", "json"], { encoding: "utf8" });
    assert.equal(ran.status, exit, words.join(" ") + ran.stderr);
    return JSON.parse(ran.stdout);
  };
  // Who is who, by the district's own export; nobody answers for the ledger here.
  const out = join(office, "export-" + Date.now());
  aula(["district", "export", "-o", out, "--rpc", "http://127.0.0.1:9"], 1);
  const student = JSON.parse(readFileSync(join(out, "students.jsonl"), "utf8").split("\n")[0]);
  let sent = 0;
  const says = (event) => {
    sent += 1;
    const line = JSON.stringify({ id: `browser-${Date.now()}-${sent}`, at: Date.now(), student: student.local_id, event });
    writeFileSync(join(feed, `${sent}.part`), line + "\n");
    renameSync(join(feed, `${sent}.part`), join(feed, `${sent}.jsonl`));
  };
  const link = (role) => aula(["vault", "link", student.handle, "--role", role, "--reader", `${role}-1`]);
  for (const { name, ...view } of VIEWS) {
    for (const [role, lang] of [["family", "en"], ["student", "es"]]) {
      const { path, token, id } = link(role);
      const { context, page, complaints } = await opened(browser, origin, `${path}?lang=${lang}`, { ...view, bypassCSP: true });
      const where = `dashboard of ${role} in ${lang} (${name})`;
      assert.ok(!page.url().includes(token), where + ": the address has no secret");
      assert.equal(await page.locator("html").getAttribute("lang"), lang, where);
      assert.equal(await page.locator("h1").count(), 1, where + ": one h1");
      const bytes = await weight(page);
      assert.ok(bytes < 47 * 1024, `${where}: ${bytes} bytes`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, where + ": wider than the window");
      await page.evaluate(AXE);
      const found = await page.evaluate(() => axe.run());
      const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
      assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes[0].html}`), [], where);
      if (shots) await page.screenshot({ path: join(shots, `dashboard-${role}-${name.replaceAll(/\W+/g, "-")}.png`), fullPage: true });
      assert.deepEqual(complaints, [], where);
      aula(["vault", "unlink", id]);
      const closed = await page.reload(LIMIT);
      assert.equal(closed.status(), 401, where + ": revoked");
      await context.close();
    }
  }
  // What a feed brings stands on the page while it is open, and a keyboard alone says what is wrong.
  const { path, id } = link("family");
  const { context, page } = await opened(browser, origin, path);
  await page.waitForFunction(() => document.getElementById("state").textContent !== "", null, LIMIT);
  const before = await page.locator("#moves > li").count();
  says({ kind: "response", item: 1, skills: [0], correct: true, duration_ms: 4000 });
  await page.waitForFunction((count) => document.querySelectorAll("#moves > li").length > count || document.querySelector("#moves > li.new"), before, LIMIT);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the first tab skips to the content");
  for (let tabs = 0; (await page.evaluate(() => document.activeElement.id)) !== "says"; tabs += 1) {
    assert.ok(tabs < 100, "the form is reached by keyboard");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.type("The answer of today was another's.");
  await page.keyboard.press("Tab");
  await Promise.all([page.waitForURL(/#corrections$/), page.keyboard.press("Enter")]);
  assert.match(await page.locator("#corrections").innerText(), /answered by/, "the deadline is told");
  const [open] = aula(["district", "corrections", "list"]).corrections;
  const words = join(office, "answer.txt");
  writeFileSync(words, "It was corrected.");
  aula(["district", "corrections", "answer", open.correction.id, "--amended", "--text", words]);
  await page.reload(LIMIT);
  assert.match(await page.locator("#corrections").innerText(), /It was corrected/, "and so is the answer");
  const file = await page.evaluate(async () => (await fetch(document.querySelector("a[download]").href)).json());
  assert.ok(file.years.some((year) => year.events.length > 0 && year.corrections.length === 1), "the whole record");
  // Revoked while it is open: within half a minute it says so, and shows nothing any more.
  aula(["vault", "unlink", id]);
  await page.waitForFunction(() => document.querySelectorAll("main section").length === 0, null, LIMIT);
  await context.close();
}
