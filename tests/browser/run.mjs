// The explorer in a real browser, against a consortium of four validators with one grade of the demo's data.
//   node run.mjs PATH_TO_AULA [PATH_TO_CHROMIUM]
// Starts `aula demo`, waits until its story is told, runs every check of checks.mjs, ends what it started. Exit code 0
// when all hold. Nothing is timed: every wait is for a condition, with a generous limit. With AULA_SCHEMATHESIS, the path
// of that program, the API is also held against its own description with generated requests. AULA_ONLY: checks whose name has these
// words; AULA_SHOTS: a folder for pictures of the dashboard.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { checks } from "./checks.mjs";
import { dashboards, served } from "./dashboard.mjs";
import { flipping } from "./proxy.mjs";

const STORY_LIMIT_MS = 20 * 60 * 1000;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

function demo(program, home) {
  const child = spawn(program, ["demo", "--grades", "1", "--home", home, "--output", "json"],
    { stdio: ["ignore", "pipe", "pipe"] });
  let story = "";
  child.stderr.on("data", (piece) => { story = (story + piece).slice(-4000); });
  const told = new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error("the demo did not end its story: " + story)), STORY_LIMIT_MS);
    createInterface({ input: child.stdout }).once("line", (line) => { clearTimeout(limit); resolve(JSON.parse(line)); });
    child.once("exit", (code) => { clearTimeout(limit); reject(new Error(`the demo ended (${code}): ${story}`)); });
  });
  return { child, told };
}

// Generated requests against the description: no server error, no undocumented answer or form.
function described(program, origin) {
  const checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
  const skipped = ["/v1/stream", "/readyz", "/metrics"].flatMap((path) => ["--exclude-path", path]);
  const ran = spawnSync(program, ["run", origin + "/openapi.json", "--url", origin, ...skipped, "-n", "20", "--checks", checks,
    "--seed", "6", "--workers", "1", "--no-color", "--generation-database", "none"], { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(ran.stdout + ran.stderr);
}

async function end(child) {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

const [, , program, executablePath = "/usr/bin/chromium"] = process.argv;
const folder = mkdtempSync(join(tmpdir(), "aula-browser-"));
const { child, told } = demo(program, join(folder, "demo"));
let browser;
let proxy;
let office;
let failures = 0;
try {
  const { explorer, bundle } = await told;
  proxy = await flipping(explorer);
  browser = await chromium.launch({ executablePath, args: FLAGS });
  const all = { ...checks };
  if (process.env.AULA_SCHEMATHESIS) {
    all["the API answers as it is described"] = ({ origin }) => described(process.env.AULA_SCHEMATHESIS, origin);
  }
  const wanted = ([name]) => name.includes(process.env.AULA_ONLY ?? "");
  const holds = async (name, check) => {
    try {
      await check();
      console.error("ok   " + name);
    } catch (error) {
      failures += 1;
      console.error("FAIL " + name + "\n     " + String(error.stack ?? error).replaceAll("\n", "\n     "));
    }
  };
  for (const [name, check] of Object.entries(all).filter(wanted)) {
    await holds(name, () => check({ browser, origin: explorer, flipped: proxy.origin, bundle }));
  }
  const last = "a dashboard opens by its link alone, is accessible in both languages, lives, and closes";
  if (wanted([last])) {
    // The districts' vaults are free once the demo has ended.
    await end(child);
    await holds(last, async () => {
      office = await served(program, join(folder, "demo"));
      await dashboards({ browser, program, ...office, shots: process.env.AULA_SHOTS });
    });
  }
} finally {
  await browser?.close();
  proxy?.close();
  if (office) await end(office.child);
  await end(child);
  rmSync(folder, { recursive: true, force: true });
}
console.error(failures === 0 ? "The explorer holds in the browser." : `${failures} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;
